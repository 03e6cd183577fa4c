import { type EncodeProfile } from '@clipmesh/contracts';
import { TAG_OPTIONS } from './color.filter.js';

/** How pictures are encoded. */
export interface EncodeOptions {
  readonly threads: number;
  /** x264 preset. */
  readonly preset: string;
  /** x264 CRF. */
  readonly crf: number;
}

/**
 * The encoder options of every scene and transition of a video. They are the same for all of them, so that their parameter sets are
 * equal and a copy can join them. `keyFrames`: numbers of frames at which a copy may begin.
 */
export function encodeArgs({ fps }: EncodeProfile, encode: EncodeOptions, keyFrames: readonly number[] = []): string[] {
  const forced = keyFrames.map((frame) => `eq(n,${frame})`).join('+');
  return [
    ...['-c:v', 'libx264', '-preset', encode.preset, '-crf', String(encode.crf), '-pix_fmt', 'yuv420p'],
    ...TAG_OPTIONS,
    ...['-bf', '0', '-g', String(fps * 2), '-flags', '+cgop', '-threads', String(encode.threads)],
    ...['-filter_complex_threads', String(encode.threads), '-video_track_timescale', String(fps * 1000)],
    ...(forced === '' ? [] : ['-force_key_frames', `expr:${forced}`]),
  ];
}
