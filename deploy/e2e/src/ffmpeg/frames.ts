import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const LIMITS = { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 } as const;

/** One picture as luma, 0-255, row by row. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly luma: Uint8Array;
}

async function pixels(args: readonly string[], width: number, height: number): Promise<Frame> {
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-nostdin', ...args, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'],
    { ...LIMITS, encoding: 'buffer' },
  );
  if (stdout.length !== width * height)
    throw new Error(`ffmpeg gave ${stdout.length} bytes for a frame of ${width}x${height}`);
  return { width, height, luma: stdout };
}

/** The frame at `second`, scaled to the given size. Use 0 for a still picture. */
export function frameAt(file: string, second: number, width: number, height: number): Promise<Frame> {
  return pixels(
    [...(second === 0 ? [] : ['-ss', second.toFixed(3)]), '-i', file, '-vf', `scale=${width}:${height}`],
    width,
    height,
  );
}

/** White text on black, drawn by ffmpeg, to compare with. */
export function drawnText(
  textFile: string,
  fontFile: string,
  size: number,
  width: number,
  height: number,
): Promise<Frame> {
  const source = `color=c=black:s=${width}x${height}:d=1`;
  const text = `drawtext=fontfile=${fontFile}:textfile=${textFile}:expansion=none:fontsize=${size}:fontcolor=white:x=(w-text_w)/2:y=(h-text_h)/2`;
  return pixels(['-f', 'lavfi', '-i', source, '-vf', text], width, height);
}

export const meanLuma = ({ luma }: Frame): number => luma.reduce((sum, value) => sum + value, 0) / luma.length;

/** Mean absolute difference of two frames of one size, in steps of luma. */
export function distance(a: Frame, b: Frame): number {
  return a.luma.reduce((sum, value, index) => sum + Math.abs(value - (b.luma[index] ?? 0)), 0) / a.luma.length;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  /** Exclusive. */
  readonly right: number;
  readonly bottom: number;
}
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly set: Uint8Array;
}

export function maskOf(frame: Frame, isSet: (index: number) => boolean): Mask {
  return { width: frame.width, height: frame.height, set: frame.luma.map((_value, index) => (isSet(index) ? 1 : 0)) };
}

/** The smallest box around all set pixels. Undefined when none is set. */
export function boxOf({ width, set }: Mask): Box | undefined {
  const box = { left: Number.POSITIVE_INFINITY, top: Number.POSITIVE_INFINITY, right: 0, bottom: 0 };
  for (const [index, value] of set.entries()) {
    if (value === 0) continue;
    const [x, y] = [index % width, Math.floor(index / width)];
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + 1);
    box.bottom = Math.max(box.bottom, y + 1);
  }
  return box.right === 0 ? undefined : box;
}

/** The mask without lone pixels, as two encodings of one picture have them at edges: at least half of a pixel's neighbours are set. */
export function withoutSpecks({ width, height, set }: Mask): Mask {
  const steps = [-1, 0, 1];
  const neighbours = steps.flatMap((dy) => steps.map((dx) => dy * width + dx)).filter((step) => step !== 0);
  const kept = set.map((value, at) =>
    value === 1 && neighbours.reduce((sum, step) => sum + (set[at + step] ?? 0), 0) >= 4 ? 1 : 0,
  );
  return { width, height, set: kept };
}

/** Number of set pixels inside and outside the box. */
export function countBy({ width, set }: Mask, box: Box): { inside: number; outside: number } {
  const count = { inside: 0, outside: 0 };
  for (const [index, value] of set.entries()) {
    if (value === 0) continue;
    const [x, y] = [index % width, Math.floor(index / width)];
    const isInside = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
    count[isInside ? 'inside' : 'outside'] += 1;
  }
  return count;
}

const GRID = { columns: 240, rows: 24 } as const;

/** Similarity of two masks that are stretched to one size, 0-1: pixels set in both over pixels set in either. */
export function likeness(a: Mask, b: Mask): number {
  const boxes = [boxOf(a), boxOf(b)] as const;
  if (boxes[0] === undefined || boxes[1] === undefined) return 0;
  const at = ({ width, set }: Mask, box: Box, column: number, row: number): number => {
    const x = box.left + Math.floor(((column + 0.5) * (box.right - box.left)) / GRID.columns);
    const y = box.top + Math.floor(((row + 0.5) * (box.bottom - box.top)) / GRID.rows);
    return set[y * width + x] ?? 0;
  };
  let shared = 0;
  let either = 0;
  for (let row = 0; row < GRID.rows; row += 1) {
    for (let column = 0; column < GRID.columns; column += 1) {
      const [one, other] = [at(a, boxes[0], column, row), at(b, boxes[1], column, row)];
      shared += one & other;
      either += one | other;
    }
  }
  return shared / either;
}

const probeSchema = z.object({
  format: z.object({ duration: z.coerce.number() }),
  streams: z.array(z.looseObject({ codec_type: z.string(), codec_name: z.string() })),
});

/** What ffprobe reports about a video, one stream of each kind. */
export async function probe(file: string): Promise<{
  durationSeconds: number;
  streams: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  count: number;
}> {
  const { stdout } = await run(
    'ffprobe',
    ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', file],
    LIMITS,
  );
  const { format, streams } = probeSchema.parse(JSON.parse(stdout));
  return {
    durationSeconds: format.duration,
    streams: Object.fromEntries(streams.map((stream) => [stream.codec_type, stream])),
    count: streams.length,
  };
}

/** Names of the top-level boxes of an MP4, in order. */
export function boxNames(bytes: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    names.push(bytes.toString('latin1', at + 4, at + 8));
    const whole = size === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : size;
    if (whole < 8) break;
    at += whole;
  }
  return names;
}
