import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Media } from '../src/index.js';

const run = promisify(execFile);
const profile = { width: 320, height: 180, fps: 24 };
const idle = { signal: new AbortController().signal };
let directory: string;
let media: Media;

/** The RGB bytes of one frame. */
async function frameAt(file: string, seconds: number): Promise<Buffer> {
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-ss', String(seconds), '-i', file, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
    { encoding: 'buffer', maxBuffer: 1e8 },
  );
  return stdout;
}
const difference = (a: Buffer, b: Buffer): number =>
  a.reduce((sum, byte, index) => sum + (Math.abs(byte - (b[index] ?? 0)) > 60 ? 1 : 0), 0) / a.length;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clipmesh-media-'));
  media = new Media({ threads: 1, maxProcesses: 2, idleTimeoutMs: 20_000, tempDir: join(directory, 'tmp') });
  await media.check();
});
afterAll(async () => {
  expect(media.running()).toBe(0);
  await rm(directory, { recursive: true, force: true });
});
const path = (name: string): string => join(directory, name);
const clip = async (name: string, seed: number): Promise<string> => {
  await media.render({ output: path(name), seed, label: name, durationSeconds: 2, width: 160, height: 160 }, idle);
  return path(name);
};

describe('media', () => {
  it('draws the same clip for the same seed, another for another', async () => {
    const [a, again, other] = await Promise.all([
      clip('same.mp4', 1),
      media.render(
        { output: path('again.mp4'), seed: 1, label: 'same.mp4', durationSeconds: 2, width: 160, height: 160 },
        idle,
      ),
      clip('other.mp4', 2),
    ]);
    expect(again).toBeUndefined();
    expect(await readFile(a)).toEqual(await readFile(path('again.mp4')));
    expect(difference(await frameAt(a, 1), await frameAt(other, 1))).toBeGreaterThan(0.05);
  });

  it('normalises to the profile, holds the exact length, and writes hostile text that can be seen', async () => {
    const file = await clip('raw.mp4', 3);
    const text = `It's 100%: {x} \\ 'now' [ok]; %{pts}`;
    const overlay = {
      text,
      position: 'bottom' as const,
      fontSizePt: 60,
      color: '#ffffff',
      animation: 'fade' as const,
      shadow: true,
    };
    await media.overlay({ file, output: path('plain.mov'), durationSeconds: 3, profile }, idle);
    await media.overlay({ file, output: path('text.mov'), durationSeconds: 3, profile, overlay }, idle);
    const probe = await media.probe(path('text.mov'), idle);
    expect(probe.video).toEqual({ codec: 'h264', pixelFormat: 'yuv420p', width: 320, height: 180, fps: 24 });
    expect(probe.audio).toEqual({ codec: 'pcm_s16le', sampleRate: 48_000, channels: 2 });
    expect(probe.durationSeconds).toBeCloseTo(3, 2);
    expect(difference(await frameAt(path('text.mov'), 1.5), await frameAt(path('plain.mov'), 1.5))).toBeGreaterThan(
      0.005,
    );
    expect(difference(await frameAt(path('text.mov'), 0), await frameAt(path('plain.mov'), 0))).toBeLessThan(0.002);
  });

  it('joins in order by copying, with faststart and one sound track', async () => {
    const files = await Promise.all([1, 2, 3].map((seed) => clip(`part-${seed}.mp4`, seed * 11)));
    await Promise.all(
      files.map((file, index) =>
        media.overlay({ file, output: path(`part-${index}.mov`), durationSeconds: 2, profile }, idle),
      ),
    );
    const clips = files.map((_, index) => ({ file: path(`part-${index}.mov`), durationSeconds: 2 }));
    await media.join({ clips, output: path('film.mp4'), music: { file: files[0] ?? '', volume: 0.3 } }, idle);
    const probe = await media.probe(path('film.mp4'), idle);
    expect(probe.durationSeconds).toBeCloseTo(6, 1);
    expect(probe.audio?.codec).toBe('aac');
    for (const [index, { file }] of clips.entries()) {
      expect(difference(await frameAt(path('film.mp4'), index * 2 + 1), await frameAt(file, 1))).toBe(0);
    }
    const bytes = await readFile(path('film.mp4'));
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    await media.thumbnail({ video: path('film.mp4'), output: path('thumbnail.jpg') }, idle);
    expect((await readFile(path('thumbnail.jpg'))).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
  });

  it('says that a file is no media, and stops at once when told to', async () => {
    await expect(media.probe(import.meta.filename, idle)).rejects.toMatchObject({ code: 'MEDIA_INVALID' });
    const abort = new AbortController();
    const work = media.render(
      { output: path('long.mp4'), seed: 1, label: 'x', durationSeconds: 600, width: 1280, height: 720 },
      {
        signal: abort.signal,
        onProgress: () => {
          abort.abort();
        },
      },
    );
    await expect(work).rejects.toMatchObject({ code: 'CANCELED' });
    expect(media.running()).toBe(0);
    expect(await readdir(path('tmp'))).toEqual([]);
  });
});
