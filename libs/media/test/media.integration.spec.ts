import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EVERYTHING_BUT_TIMEOUTS, pngOf } from '@clipmesh/testing';
import { Media } from '../src/index.js';

const profile = { width: 180, height: 320, fps: 24 };
let dir: string;
let media: Media;
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(120_000) });
const never = new AbortController().signal;
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'media-test-'));
  media = new Media({ threads: 1, idleTimeoutMs: 120_000, tempDir: join(dir, 'tmp'), maxProcesses: 2 });
});
afterAll(async () => {
  expect(media.running()).toBe(0);
  expect(await readdir(join(dir, 'tmp'))).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

describe('media on real ffmpeg', () => {
  it('passes the installation check', async () => {
    await media.check();
  });

  it('renders a clip with a background image', async () => {
    const file = at('50% %03d [a].png');
    await writeFile(
      file,
      pngOf(400, 300, (_x, y) => (y < 150 ? 10 : 245)),
    );
    const clip = { seed: 7, label: 'a', durationSeconds: 1, width: 180, height: 320 };
    await media.render({ ...clip, image: file, output: at('with-image.mp4') }, context());
    const args = ['-v', 'error', '-i', at('with-image.mp4'), '-frames:v', '1', '-vf', 'scale=1:8:flags=area'];
    const rows = [
      ...execFileSync('ffmpeg', [...args, '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], { timeout: 120_000 }),
    ];
    // The moving shape covers some of the rows.
    expect(Math.min(...rows.slice(0, 4))).toBeLessThan(40);
    expect(Math.max(...rows.slice(4))).toBeGreaterThan(215);
  });

  it('renders the same bytes, overlays special characters, joins with the exact duration and grabs a frame', async () => {
    const clip = { seed: 7, label: 'a', durationSeconds: 2, width: 180, height: 320 };
    await media.render({ ...clip, output: at('a.mp4') }, context());
    await media.render({ ...clip, output: at('b.mp4') }, context());
    expect(await readFile(at('a.mp4'))).toEqual(await readFile(at('b.mp4')));
    const overlay = {
      text: `It's 100%: "x" %{pts} \\n [a],;\n🎉 end`,
      position: 'bottom',
      fontSizePt: 56,
      color: '#ffffff',
      animation: 'slide',
      shadow: true,
    } as const;
    await media.overlay({ file: at('a.mp4'), output: at('a.mov'), durationSeconds: 3, profile, overlay }, context());
    const plain = { file: at('a.mp4'), output: at('b.mov'), durationSeconds: 1, profile };
    await media.overlay(plain, context());
    const clips = [
      { file: at('a.mov'), durationSeconds: 3 },
      { file: at('b.mov'), durationSeconds: 1 },
    ];
    const music = { file: at('a.mp4'), volume: 0.3 };
    await media.mix({ scenes: clips, music, output: at('sound.m4a') }, context());
    await media.join({ profile, clips, audio: at('sound.m4a'), output: at('video.mp4') }, context());
    const video = await media.probe(at('video.mp4'), context());
    expect(Math.abs(video.durationSeconds - 4)).toBeLessThan(1 / 24 + 0.001);
    expect(video).toMatchObject({ video: { codec: 'h264', pixelFormat: 'yuv420p', fps: 24 }, audio: { codec: 'aac' } });
    const bytes = await readFile(at('video.mp4'));
    expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
    await media.still({ file: at('b.mov'), second: 0.5, output: at('still.jpg') }, context());
    expect((await readFile(at('still.jpg'))).subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
  });

  const long = { seed: 1, label: 'x', durationSeconds: 600, width: 1280, height: 720 };

  it('kills its process when aborted', async () => {
    const caller = new AbortController();
    const onProgress = (): void => {
      caller.abort();
    };
    const render = media.render({ ...long, output: at('long.mp4') }, { signal: caller.signal, onProgress });
    await expect(render).rejects.toMatchObject({ code: 'CANCELED' });
    expect(media.running()).toBe(0);
  });

  describe('a process that does not end by itself', () => {
    const IDLE_MS = 30_000;
    const pass = (ms: number): void => {
      setImmediate(() => {
        jest.advanceTimersByTime(ms);
      });
    };
    beforeEach(() => {
      // The idle limit runs on the fake clock, so it does not depend on the speed of the machine.
      jest.useFakeTimers({ doNotFake: EVERYTHING_BUT_TIMEOUTS });
    });
    afterEach(() => {
      jest.useRealTimers();
    });

    it.each([
      ['is stopped', 'SIGSTOP', 'FFMPEG_STALLED'],
      ['is killed by the system', 'SIGKILL', 'OUT_OF_MEMORY'],
    ] as const)('that %s is reported, and leaves no process or file', async (_name, signal, code) => {
      const strict = new Media({ threads: 1, idleTimeoutMs: IDLE_MS, tempDir: join(dir, 'tmp'), maxProcesses: 1 });
      let reports = 0;
      const onProgress = (): void => {
        reports += 1;
        // Every report restarts the limit; the sum of these waits exceeds it.
        if (reports <= 2) pass(0.9 * IDLE_MS);
        if (reports !== 3) return;
        const pids = execFileSync('pgrep', ['-f', at('long.mp4')], { encoding: 'utf8' })
          .trim()
          .split('\n');
        for (const pid of pids) process.kill(Number(pid), signal);
        if (signal === 'SIGSTOP') pass(IDLE_MS);
      };
      const render = strict.render({ ...long, output: at('long.mp4') }, { signal: never, onProgress });
      await expect(render).rejects.toMatchObject({ code, retryable: true });
      expect(reports).toBe(3);
      expect(strict.running()).toBe(0);
      expect(existsSync(at('long.mp4'))).toBe(false);
    });
  });

  it.each([
    [
      'a DASH manifest',
      (file: string) =>
        `<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"` +
        ` minBufferTime="PT1S" profiles="urn:mpeg:dash:profile:isoff-main:2011">\n<Period duration="PT1S">` +
        `<AdaptationSet mimeType="audio/mp4" contentType="audio"><Representation id="1" bandwidth="1">` +
        `<BaseURL>${file}</BaseURL></Representation></AdaptationSet></Period></MPD>\n`,
    ],
    ['a concat list', (file: string) => `ffconcat version 1.0\nfile ${basename(file)}\n`],
  ])('does not read a file that %s refers to', async (_name, list) => {
    const clip = { seed: 1, label: 'x', durationSeconds: 1, width: 64, height: 64 };
    await media.render({ ...clip, output: at('private.mp4') }, context());
    await writeFile(at('list.mp3'), list(at('private.mp4')));
    const invalid = { code: 'MEDIA_INVALID' };
    await expect(media.probe(at('list.mp3'), context())).rejects.toMatchObject(invalid);
    await media.overlay({ file: at('private.mp4'), output: at('own.mov'), durationSeconds: 1, profile }, context());
    const clips = [{ file: at('own.mov'), durationSeconds: 1 }];
    const music = { file: at('list.mp3'), volume: 1 };
    const mix = media.mix({ scenes: clips, music, output: at('leak.m4a') }, context());
    await expect(mix).rejects.toMatchObject(invalid);
    const speech = [{ file: at('list.mp3'), startSeconds: 0, durationSeconds: 1 }];
    const spoken = media.mix({ scenes: clips, speech, output: at('leak.m4a') }, context());
    await expect(spoken).rejects.toMatchObject(invalid);
    expect(existsSync(at('leak.m4a'))).toBe(false);
  });

  it('rejects an invalid file', async () => {
    await expect(media.probe(import.meta.filename, context())).rejects.toMatchObject({ code: 'MEDIA_INVALID' });
  });
});
