import { type Blend, transitionFrames } from '@clipmesh/contracts';
import { encodeArgs, type EncodeOptions } from '../commands/encode.args.js';
import { type BlendInput, type FfmpegCall } from '../commands/media.types.js';

/** The legal range of luma: xfade's black and white are outside of it. */
const LEGAL_LUMA = 'limiter=min=16:max=235:planes=1';

/** The filters of each transition. */
const FILTERS: Readonly<Record<Blend, readonly [xfade: string, ...after: string[]]>> = {
  crossfade: ['fade'],
  'dip-black': ['fadeblack', LEGAL_LUMA],
  'dip-white': ['fadewhite', LEGAL_LUMA],
  wipe: ['wipeleft'],
  slide: ['slideleft'],
  zoom: ['zoomin'],
};

/**
 * Encodes the pictures of a transition: from the frames after the planned end of one scene to the first frames of the next. Its first
 * frame shows only the earlier scene.
 */
export function blendCall({ from, to, kind, profile, output }: BlendInput, encode: EncodeOptions): FfmpegCall {
  const { fps } = profile;
  const frames = transitionFrames(profile);
  const [xfade, ...after] = FILTERS[kind];
  // xfade takes pictures of one time base.
  const cut = `fps=${fps},trim=end_frame=${frames},settb=1/${fps},setpts=N`;
  const threads = ['-threads', String(encode.threads)];
  const graph =
    `[0:v:0]${cut}[a];[1:v:0]${cut}[b];` +
    `[a][b]${[`xfade=transition=${xfade}:duration=${frames / fps}:offset=0`, ...after, 'format=yuv420p'].join(',')}[v]`;
  return {
    inputs: [
      // The scene has a key frame there.
      { file: from.file, options: [...threads, '-ss', from.durationSeconds.toFixed(6)] },
      { file: to.file, options: [...threads, '-t', (frames / fps).toFixed(6)] },
    ],
    options: [
      ...['-filter_complex', graph, '-map', '[v]', '-an', '-map_metadata', '-1', '-frames:v', String(frames)],
      ...[...encodeArgs(profile, encode), '-f', 'mov'],
    ],
    output,
  };
}
