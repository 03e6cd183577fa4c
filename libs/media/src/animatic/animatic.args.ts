import { type FfmpegCall, type RenderInput } from '../commands/media.types.js';
import { type Size } from './ground.painter.js';
import { MARGIN, motionOf } from './scene.motion.js';
import { type AnimaticScene } from './scene.reader.js';

/** A layer as a file of raw RGBA pixels. */
export interface LayerFile extends Size {
  readonly file: string;
  readonly dx: number;
  readonly dy: number;
}
/** The drawn layers, or the image of the caller instead. */
type Layers = Record<'ground' | 'middle' | 'product' | 'front', LayerFile> | { readonly image: string };

const FPS = 24;

const rawInput = ({ file, width, height }: LayerFile): FfmpegCall['inputs'][number] => ({
  file,
  options: ['-f', 'rawvideo', '-pixel_format', 'rgba', '-video_size', `${width}x${height}`, '-framerate', String(FPS)],
});

/** Notes of a quiet chord over a low tone, Hz. */
const ROOTS = [98, 110, 123.47, 130.81, 146.83] as const;
const CHORDS = [
  [1, 1.5, 2],
  [1, 1.498, 2.245],
  [1, 1.335, 2],
] as const;

/** A quiet chord that swells and fades, so that a clip has a sound under the music. */
function soundOf(
  { seed }: AnimaticScene,
  durationSeconds: number,
  firstInput: number,
): { inputs: FfmpegCall['inputs']; filter: string } {
  const root = ROOTS[seed % ROOTS.length] ?? ROOTS[0];
  const chord = CHORDS[(seed >>> 8) % CHORDS.length] ?? CHORDS[0];
  const fade = Math.min(0.6, durationSeconds / 4);
  return {
    inputs: chord.map((ratio) => ({
      file: `sine=frequency=${(root * ratio).toFixed(2)}:sample_rate=48000:duration=${durationSeconds}`,
      options: ['-f', 'lavfi'],
    })),
    filter:
      `${chord.map((_ratio, index) => `[${firstInput + index}:a]`).join('')}amix=inputs=${chord.length}:weights=1 0.7 0.4:normalize=0,` +
      `tremolo=f=0.4:d=0.35,volume=0.5,afade=t=in:d=${fade},afade=t=out:st=${(durationSeconds - fade).toFixed(3)}:d=${fade}[a]`,
  };
}

export interface AnimaticFiles {
  readonly input: RenderInput;
  readonly scene: AnimaticScene;
  /** The size in which the layers move. */
  readonly frame: Size;
  readonly layers: Layers;
  readonly slate: LayerFile;
}

/** The call that moves the layers against each other, scales them to the size of the clip, and adds slate and sound. */
export function animaticCall({ input, scene, frame, layers, slate }: AnimaticFiles): FfmpegCall {
  const { durationSeconds: duration } = input;
  const motion = motionOf(scene, duration);
  const once = 'loop=loop=-1:size=1:start=0';
  const crop =
    `crop=${frame.width}:${frame.height}:x='(in_w-out_w)/2-${motion.offset('ground', 'x', frame.width)}'` +
    `:y='(in_h-out_h)/2-${motion.offset('ground', 'y', frame.height)}'`;
  const at = (layer: LayerFile, kind: 'middle' | 'product', extra = 1): string =>
    `x='(main_w-overlay_w)/2+${layer.dx}+${extra}*${motion.offset(kind, 'x', frame.width)}'` +
    `:y='(main_h-overlay_h)/2+${layer.dy}+${motion.offset(kind, 'y', frame.height)}'`;
  const over = 'overlay=format=yuv444:eof_action=repeat';
  const inputs: FfmpegCall['inputs'][number][] = [];
  let picture: string;
  if ('image' in layers) {
    const [w, h] = [frame.width, frame.height].map((side) => Math.ceil(side * (1 + 2 * MARGIN)));
    inputs.push({ file: layers.image, options: ['-f', 'image2', '-pattern_type', 'none', '-framerate', String(FPS)] });
    picture = `[0:v]scale=${w}:${h}:force_original_aspect_ratio=increase:flags=area,crop=${w}:${h},setsar=1,format=yuv444p,${once},${crop}`;
  } else {
    const { ground, middle, product, front } = layers;
    inputs.push(...[ground, middle, product, front].map(rawInput));
    picture =
      `[1:v]format=yuva444p[middle];[2:v]format=yuva444p[product];[3:v]format=yuva444p[front];` +
      `[0:v]format=yuv444p,${once},${crop}[g];[g][middle]${over}:${at(middle, 'middle')}[m];` +
      `[m][product]${over}:${at(product, 'product')}[p];[p][front]${over}:${at(front, 'middle', 1.1)}`;
  }
  const slateInput = inputs.length;
  inputs.push(rawInput(slate));
  const sound = soundOf(scene, duration, inputs.length);
  inputs.push(...sound.inputs);
  const graph =
    `${picture},format=yuv420p,scale=w='2*ceil(${input.width / 2}*${motion.zoom})':h='2*ceil(${input.height / 2}*${motion.zoom})':eval=frame:flags=fast_bilinear,` +
    `crop=${input.width}:${input.height},setsar=1[big];[${slateInput}:v]format=yuva420p[slate];` +
    `[big][slate]overlay=x=${slate.dx}:y=${slate.dy}:eof_action=repeat,format=yuv420p[v];${sound.filter}`;
  return {
    inputs,
    options: [
      ...[
        '-filter_complex',
        graph,
        '-filter_complex_threads',
        '1',
        '-map',
        '[v]',
        '-map',
        '[a]',
        '-t',
        String(duration),
      ],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '26', '-threads', '1', '-pix_fmt', 'yuv420p'],
      ...['-c:a', 'aac', '-b:a', '96k', '-map_metadata', '-1', '-fflags', '+bitexact'],
      ...['-flags:v', '+bitexact', '-flags:a', '+bitexact', '-movflags', '+faststart', '-f', 'mp4'],
    ],
    output: input.output,
  };
}
