import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Media, type ThumbnailFigures } from '../src/index.js';

const DEADLINE_MS = 120_000;
const profile = { width: 180, height: 320, fps: 24 };
let dir: string;
let media: Media;
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'thumbnail-test-'));
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: join(dir, 'tmp'), maxProcesses: 1 });
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

const colour = (name: string, seconds: number): string => `color=c=${name}:s=180x320:r=24:d=${seconds}`;
const picture = (seconds: number): string => `testsrc2=s=180x320:r=24:d=${seconds}`;

/** The figures of the picture that is taken from a clip of these parts, and the mean of its pixels, 0-255. */
async function taken(parts: readonly string[]): Promise<{ figures: ThumbnailFigures | undefined; mean: number }> {
  const [clip, output, thumbnail] = [join(dir, 'clip.mp4'), join(dir, 'scene.mov'), join(dir, 'thumbnail.jpg')];
  const inputs = parts.flatMap((part) => ['-f', 'lavfi', '-i', part]);
  const graph = `${parts.map((_, n) => `[${n}:v]`).join('')}concat=n=${parts.length}:v=1:a=0,format=yuv420p`;
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18', clip];
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...inputs, '-filter_complex', graph, ...encode], {
    timeout: DEADLINE_MS,
  });
  const result = await media.overlay({ file: clip, output, thumbnail, durationSeconds: 5, profile }, context());
  const args = ['-v', 'error', '-i', thumbnail, '-vf', 'scale=1:1:flags=area', '-f', 'rawvideo', '-pix_fmt', 'gray'];
  const [mean = 0] = execFileSync('ffmpeg', [...args, '-'], { timeout: DEADLINE_MS });
  return { figures: result.thumbnail, mean };
}

describe('the picture of a scene for the thumbnail', () => {
  it.each([
    ['is dark but for one second', [colour('black', 2), picture(1), colour('black', 2)]],
    ['begins with a white flash', [colour('white', 1), picture(2), colour('black', 2)]],
    ['is white but for one second', [colour('white', 3), picture(1), colour('white', 1)]],
    ['has nothing but a plain colour beside one second', [colour('gray', 3), picture(1), colour('gray', 1)]],
  ])('shows something when the scene %s', async (_name, parts) => {
    const { figures, mean } = await taken(parts);
    expect(figures?.contrast).toBeGreaterThan(60);
    expect(mean).toBeGreaterThan(60);
    expect(mean).toBeLessThan(190);
  });

  it('has the colours of the scene, in the matrix and range of a JPEG', async () => {
    const black = await taken([colour('black', 5)]);
    expect(black.figures).toMatchObject({ luma: 16, contrast: 0 });
    expect(black.mean).toBeLessThan(3);
    expect((await taken([colour('white', 5)])).mean).toBeGreaterThan(252);
  });
});
