import { readFile } from 'node:fs/promises';
import { BARS, ffmpeg, pathIn, SOURCE } from './source.maker.js';

/** What a viewer sees and hears of a file. */
export interface Measured {
  readonly frames: number;
  /** Samples of each channel. */
  readonly samples: number;
  /** Start of the first flash; undefined without one. */
  readonly flashSecond: number | undefined;
  /** Start of the first beep; undefined without one. */
  readonly beepSecond: number | undefined;
  /** Means of the bars in the last frame, as red, green and blue. */
  readonly bars: readonly (readonly number[])[];
}

const LOUD = 0.2 * 32_768;
const BRIGHT = 150;

/** Decodes a scene as a player does that knows BT.709 in limited range, and measures it. */
export async function measure(
  dir: string,
  file: string,
  size: { readonly width: number; readonly height: number; readonly fps: number },
): Promise<Measured> {
  const picture =
    'scale=in_color_matrix=bt709:in_range=tv:out_range=pc:flags=accurate_rnd+full_chroma_int,format=rgb24';
  await ffmpeg(dir, [
    ...['-i', file, '-map', '0:v:0', '-vf', picture, '-fps_mode', 'passthrough', '-f', 'rawvideo', 'measured.rgb'],
    ...['-map', '0:a:0', '-f', 's16le', 'measured.pcm'],
  ]);
  const [rgb, pcm] = await Promise.all(['measured.rgb', 'measured.pcm'].map((name) => readFile(pathIn(dir, name))));
  if (rgb === undefined || pcm === undefined) throw new Error('nothing was measured');
  const { width, height, fps } = size;
  const frameBytes = width * height * 3;
  const frames = rgb.length / frameBytes;
  const pixel = (frame: number, x: number, y: number): readonly number[] => {
    const at = frame * frameBytes + (y * width + x) * 3;
    return [...rgb.subarray(at, at + 3)];
  };
  const flash = Array.from({ length: frames }, (_none, frame) => frame).find(
    (frame) => Math.min(...pixel(frame, width >> 1, height >> 2)) > BRIGHT,
  );
  let beep: number | undefined;
  for (let at = 0; at + 1 < pcm.length && beep === undefined; at += 4)
    if (Math.abs(pcm.readInt16LE(at)) > LOUD) beep = at / 4;
  // The profile shows the middle of the source.
  const shown = Math.min(1, (size.width / size.height / SOURCE.width) * SOURCE.height);
  const bars = BARS.map((_rgb, index) => {
    const x = ((index + 0.5) / BARS.length - 0.5) / shown + 0.5;
    return x <= 0 || x >= 1 ? [] : meanAt(pixel, frames - 1, Math.floor(x * width), Math.floor(height * 0.75));
  });
  return {
    frames,
    samples: pcm.length / 4,
    flashSecond: flash === undefined ? undefined : flash / fps,
    beepSecond: beep === undefined ? undefined : beep / 48_000,
    bars,
  };
}

function meanAt(
  pixel: (frame: number, x: number, y: number) => readonly number[],
  frame: number,
  x: number,
  y: number,
): number[] {
  const around = [-2, -1, 0, 1, 2].flatMap((dx) => [-2, 0, 2].map((dy) => pixel(frame, x + dx, y + dy)));
  return [0, 1, 2].map((channel) => around.reduce((sum, rgb) => sum + (rgb[channel] ?? 0), 0) / around.length);
}
