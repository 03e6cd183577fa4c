import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeProfile, type OverlayText, overlayTextSchema, TEXT_LOOKS, type TextLook } from '@clipmesh/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Media } from '../src/index.js';
import { contrastOf, luminance } from '../src/text/contrast/contrast.rules.js';
import { clearArea } from '../src/text/style/text.area.js';

const DEADLINE_MS = 300_000;
const profile = encodeProfile('9:16');
const area = clearArea(profile);
let dir: string;
let media: Media;
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) });
const at = (name: string): string => join(dir, name);
const ffmpeg = (args: readonly string[]): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', ...args], { timeout: DEADLINE_MS, maxBuffer: 1 << 28 });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'media-text-'));
  media = new Media({
    threads: 1,
    idleTimeoutMs: DEADLINE_MS,
    tempDir: at('tmp'),
    maxProcesses: 1,
    preset: 'ultrafast',
  });
  const { width, height, fps } = profile;
  for (const color of ['black', 'gray', 'white'])
    ffmpeg(['-f', 'lavfi', '-i', `color=${color}:s=${width}x${height}:r=${fps}:d=1`, at(`${color}.mp4`)]);
});
afterAll(async () => {
  expect(media.running()).toBe(0);
  expect(await readdir(at('tmp'))).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

let count = 0;
/** The frames of a scene of one second, as luma. */
async function framesOf(overlay: Partial<OverlayText>, ground = 'black'): Promise<Buffer[]> {
  const output = at(`${(count += 1)}.mov`);
  const text = overlayTextSchema.parse({ text: 'Fresh coffee, every morning', animation: 'none', ...overlay });
  await media.overlay({ file: at(`${ground}.mp4`), output, durationSeconds: 1, profile, overlay: text }, context());
  const raw = ffmpeg(['-i', output, '-f', 'rawvideo', '-pix_fmt', 'gray', '-']);
  const size = profile.width * profile.height;
  return Array.from({ length: raw.length / size }, (_, frame) => raw.subarray(frame * size, (frame + 1) * size));
}
async function lastFrame(overlay: Partial<OverlayText>, ground?: string): Promise<Buffer> {
  const last = (await framesOf(overlay, ground)).at(-1);
  if (last === undefined) throw new Error('no frame');
  return last;
}

/** The box around the pixels that are lighter than the black ground. */
function inkBox(frame: Buffer): { left: number; top: number; right: number; bottom: number; count: number } {
  const box = { left: Infinity, top: Infinity, right: 0, bottom: 0, count: 0 };
  for (let index = 0; index < frame.length; index += 1) {
    if ((frame[index] ?? 0) < 60) continue;
    const [x, y] = [index % profile.width, Math.floor(index / profile.width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
    box.count += 1;
  }
  return box;
}

/** The pixels in which two frames differ visibly. */
function differing(one: Buffer, other: Buffer): { x: number; y: number }[] {
  const found: { x: number; y: number }[] = [];
  for (let index = 0; index < one.length; index += 1)
    if (Math.abs((one[index] ?? 0) - (other[index] ?? 0)) > 40)
      found.push({ x: index % profile.width, y: Math.floor(index / profile.width) });
  return found;
}

describe('a text in the finished frames', () => {
  it.each([
    ['top', 'Fresh coffee, every morning'],
    ['center', 'नमस्ते दुनिया 🎉 ताज़ी कॉफ़ी हर सुबह'],
    ['bottom', 'Größer geht es nicht: Donaudampfschifffahrtsgesellschaftskapitän'],
    ['bottom', 'قهوة طازجة كل صباح مع 100% من الحبوب الكاملة'],
  ] as const)('lies inside the clear area: %s, %s', async (position, text) => {
    const { left, top, right, bottom, count: pixels } = inkBox(await lastFrame({ position, text, fontSizePt: 72 }));
    expect(pixels).toBeGreaterThan(2_000);
    expect(left).toBeGreaterThanOrEqual(area.left - 1);
    expect(right).toBeLessThanOrEqual(area.left + area.width + 1);
    expect(top).toBeGreaterThanOrEqual(area.top - 1);
    expect(bottom).toBeLessThanOrEqual(area.top + area.height + 1);
  });

  it('is at the upper edge, in the middle or at the lower edge of the area', async () => {
    const boxes = [];
    for (const position of ['top', 'center', 'bottom'] as const) boxes.push(inkBox(await lastFrame({ position })));
    const middles = boxes.map(({ top, bottom }) => (top + bottom) / 2);
    expect(middles).toEqual([...middles].sort((a, b) => a - b));
    expect(Math.abs((middles[1] ?? 0) - (area.top + area.height / 2))).toBeLessThan(20);
  });

  it('enters, and stays to the last frame', async () => {
    const sums = (await framesOf({ animation: 'fade' })).map((frame) => frame.reduce((sum, luma) => sum + luma, 0));
    const black = (await lastFrame({ text: '\u200b' })).reduce((sum, luma) => sum + luma, 0);
    const share = sums.map((sum) => (sum - black) / ((sums.at(-1) ?? 0) - black));
    expect(share).toHaveLength(24);
    expect(share[0]).toBeLessThan(0.3);
    expect(share.slice(9).every((one) => Math.abs(one - 1) < 0.02)).toBe(true);
  });

  it('slides upwards to its place', async () => {
    const frames = await framesOf({ animation: 'slide' });
    const tops = [frames[2], frames[5], frames[23]].map((frame) => inkBox(frame ?? Buffer.alloc(0)).top);
    expect(tops).toEqual([...tops].sort((a, b) => b - a));
    expect((tops[0] ?? 0) - (tops[2] ?? 0)).toBeGreaterThan(5);
  });

  it('grows to its place, and a little beyond', async () => {
    const frames = await framesOf({ animation: 'pop' });
    const widths = [frames[1], frames[5], frames[23]].map((frame) => {
      const { left, right } = inkBox(frame ?? Buffer.alloc(0));
      return right - left;
    });
    expect(widths[0]).toBeLessThan(0.95 * (widths[2] ?? 0));
    expect(widths[1]).toBeGreaterThan(widths[2] ?? Infinity);
  });

  it('enters word by word, in reading order', async () => {
    const counts = (await framesOf({ animation: 'words' })).map((frame) => inkBox(frame).count);
    expect(counts[0]).toBeLessThan(0.4 * (counts.at(-1) ?? 0));
    expect(new Set(counts.map((pixels) => Math.round(pixels / 200))).size).toBeGreaterThanOrEqual(4);
    const hebrew = await framesOf({ animation: 'words', text: 'שלום עולם' });
    const first = inkBox(hebrew[1] ?? Buffer.alloc(0));
    const all = inkBox(hebrew.at(-1) ?? Buffer.alloc(0));
    expect(first.right).toBe(all.right);
    expect(first.left).toBeGreaterThan(all.left + 20);
  });

  it.each(['fade', 'slide'] as const)('leaves at the end with a %s', async (exit) => {
    const frames = await framesOf({ exit });
    const light = frames.map((frame) => frame.reduce((sum, luma) => sum + luma, 0));
    expect(light.at(-1)).toBeLessThan((light[0] ?? 0) - 0.5 * ((light[0] ?? 0) - Math.min(...light)));
    const [before, after] = [frames[10], frames[20]].map((frame) => inkBox(frame ?? Buffer.alloc(0)).top);
    expect((after ?? 0) - (before ?? 0) > 2).toBe(exit === 'slide');
  });

  it('gets a pill where it has too little contrast with the ground, and none where it has enough', async () => {
    const dark = (frame: Buffer): number => frame.reduce((count, luma) => count + (luma < 118 ? 1 : 0), 0);
    const onWhite = await lastFrame({ shadow: false }, 'white');
    // The pill is what is darker than the lightest grey on which white has a contrast of 4.5.
    expect(contrastOf(luminance([255, 255, 255]), luminance([118, 118, 118]))).toBeGreaterThanOrEqual(4.5);
    expect(dark(onWhite)).toBeGreaterThan(20_000);
    const light = onWhite.filter((luma) => luma > 225).length;
    expect(light).toBeGreaterThan(0.8 * profile.width * profile.height);
    expect(dark(await lastFrame({ color: '#101010', shadow: false }, 'white'))).toBeLessThan(20_000);
    const onBlack = await lastFrame({ shadow: false }, 'black');
    expect(onBlack.filter((luma) => luma > 30 && luma < 220).length).toBeLessThan(12_000);
  });

  it('looks visibly different in each look, inside the clear area', async () => {
    const looks = Object.keys(TEXT_LOOKS) as TextLook[];
    const pictures: Buffer[] = [];
    const empty = await lastFrame({ text: '\u200b' }, 'gray');
    for (const look of looks) {
      const frame = await lastFrame({ ...TEXT_LOOKS[look], look, animation: 'none', exit: 'none' }, 'gray');
      const changed = differing(frame, empty);
      const outside = changed.filter(
        ({ x, y }) =>
          x < area.left - 40 || x >= area.left + area.width + 40 || y < area.top || y >= area.top + area.height + 40,
      );
      // A glow may reach a little out of the area.
      expect(outside).toEqual([]);
      pictures.push(frame);
    }
    for (const [index, one] of pictures.entries())
      for (const other of pictures.slice(index + 1)) expect(differing(one, other).length).toBeGreaterThan(2_500);
  });

  it('has its colour after the encode', async () => {
    const output = at('color.mov');
    const overlay = overlayTextSchema.parse({ text: '███', color: '#ffcc00', animation: 'none', shadow: false });
    await media.overlay({ file: at('black.mp4'), output, durationSeconds: 1, profile, overlay }, context());
    const { left, right, top, bottom } = inkBox(
      ffmpeg(['-sseof', '-0.1', '-i', output, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', '-']),
    );
    const spot = `crop=8:8:${Math.round((left + right) / 2)}:${Math.round((top + bottom) / 2)}`;
    const filter = `${spot},scale=in_color_matrix=bt709:in_range=tv,format=rgb24`;
    const pixel = [
      ...ffmpeg(['-sseof', '-0.1', '-i', output, '-vf', filter, '-frames:v', '1', '-f', 'rawvideo', '-']).subarray(
        0,
        3,
      ),
    ];
    for (const [channel, wanted] of [0xff, 0xcc, 0x00].entries())
      expect(Math.abs((pixel[channel] ?? 0) - wanted)).toBeLessThan(8);
  });
});
