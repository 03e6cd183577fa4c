import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Ends a hanging ffmpeg, ms. */
const DEADLINE_MS = 120_000;

/** Frames a second, frames, and the frame at which the picture flashes and the sound beeps, of every source. */
export const SOURCE = { fps: 24, frames: 30, flashFrame: 12, width: 192, height: 108 } as const;
/** The colours of the bars, from left to right, as red, green and blue. */
export const BARS: readonly (readonly [number, number, number])[] = [
  [235, 235, 235],
  [200, 40, 40],
  [40, 170, 60],
  [50, 70, 200],
  [190, 180, 40],
  [110, 110, 110],
];

/** Runs ffmpeg in a folder. */
export async function ffmpeg(dir: string, args: readonly string[]): Promise<void> {
  const quiet = ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error'];
  await run('ffmpeg', [...quiet, ...args], { cwd: dir, timeout: DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 });
}

/** Names of the files that {@link makeBase} writes. */
export const BASE = { picture: 'picture.nut', sound: 'sound.wav', cover: 'cover.jpg' } as const;

/**
 * Writes what every source is made from: pictures in RGB without loss, of bars below and of a part above that flashes, and a sound that
 * beeps when they flash.
 */
export async function makeBase(dir: string): Promise<void> {
  const { fps, frames, flashFrame, width, height } = SOURCE;
  const bar = width / BARS.length;
  const hex = (rgb: readonly number[]): string => `0x${rgb.map((one) => one.toString(16).padStart(2, '0')).join('')}`;
  const boxes = BARS.map(
    (rgb, index) => `drawbox=x=${index * bar}:y=${height / 2}:w=${bar}:h=${height / 2}:c=${hex(rgb)}:t=fill`,
  );
  const flash = `drawbox=x=0:y=0:w=${width}:h=${height / 2}:c=white:t=fill:enable='between(n,${flashFrame},${flashFrame + 1})'`;
  const picture = `color=c=black:s=${width}x${height}:r=${fps},format=gbrp,${[...boxes, flash].join(',')},trim=end_frame=${frames}`;
  const start = flashFrame / fps;
  const beep = `aevalsrc='between(t,${start},${start + 0.1})*0.8*sin(2*PI*1000*t)':s=48000:d=${frames / fps}`;
  await ffmpeg(dir, ['-f', 'lavfi', '-i', picture, '-c:v', 'ffv1', BASE.picture]);
  await ffmpeg(dir, ['-f', 'lavfi', '-i', beep, '-ac', '2', BASE.sound]);
  await ffmpeg(dir, ['-i', BASE.picture, '-frames:v', '1', '-update', '1', BASE.cover]);
}

/** The path of a file in the folder of the sources. */
export const pathIn = (dir: string, name: string): string => join(dir, name);
