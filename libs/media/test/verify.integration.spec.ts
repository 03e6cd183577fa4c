import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pngOf } from '@clipmesh/testing';
import { Media } from '../src/index.js';

/** Test timeout, ms. */
const DEADLINE_MS = 120_000;
const rules = { durationSeconds: 2, minShare: 0.5, maxSeconds: 60 };
let dir: string;
let media: Media;
const at = (name: string): string => join(dir, name);
const context = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) });
const clip = (name: string) => media.verifyClip(at(name), rules, context());
const sound = (name: string) => media.verifySound(at(name), { minSeconds: 0.5 }, context());
const image = (name: string, type: string) => media.verifyImage(at(name), type, context());

/** Runs ffmpeg in the folder. */
function ffmpeg(...args: string[]): void {
  execFileSync('ffmpeg', ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error', ...args], {
    cwd: dir,
    timeout: DEADLINE_MS,
  });
}
/** Makes a file with ffmpeg. `args` are divided at spaces. */
const by = (args: string) => (): void => {
  ffmpeg(...args.split(' '));
};
/** An MP3 with a cover picture, without the name of the file. */
const COVER = '-i a.mp4 -i a.jpg -map 0:a -map 1:v -c:a libmp3lame -c:v copy -disposition:v attached_pic -f mp3';
/** Writes the output of ffmpeg to a pipe, which has no sizes and durations because ffmpeg cannot seek. */
async function streamed(name: string, ...args: string[]): Promise<void> {
  const bytes = execFileSync('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'error', ...args, '-'], {
    cwd: dir,
    timeout: DEADLINE_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  await writeFile(at(name), bytes);
}
const appended = async (name: string, ...more: Buffer[]): Promise<void> => {
  await writeFile(at(name), Buffer.concat([await readFile(at('a.mp4')), ...more]));
};
const box = (name: string, length: number): Buffer => {
  const bytes = Buffer.alloc(length, 1);
  bytes.writeUInt32BE(length, 0);
  bytes.write(name, 4, 'latin1');
  return bytes;
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'verify-test-'));
  media = new Media({ threads: 1, idleTimeoutMs: DEADLINE_MS, tempDir: join(dir, 'tmp'), maxProcesses: 2 });
  ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc=s=64x64:r=24:d=2', '-f', 'lavfi', '-i', 'sine=d=2'],
    ...['-c:v', 'libx264', '-c:a', 'aac', '-movflags', '+faststart', 'a.mp4'],
  );
  ffmpeg('-i', 'a.mp4', '-frames:v', '1', 'a.jpg');
}, DEADLINE_MS);
afterAll(async () => {
  expect(media.running()).toBe(0);
  expect(await readdir(dir)).not.toContain('tmp');
  await rm(dir, { recursive: true, force: true });
});

describe('a clip', () => {
  it.each<[string, string, () => unknown]>([
    ['an MP4', 'video/mp4', () => appended('clip')],
    ['an MP4 with its header at the end', 'video/mp4', by('-i a.mp4 -c copy -f mp4 clip')],
    [
      'an MP4 with a trailer of 1,280 arbitrary bytes',
      'video/mp4',
      () => appended('clip', Buffer.alloc(1280, 'some trailer')),
    ],
    ['an MP4 followed by padding', 'video/mp4', () => appended('clip', box('free', 500), box('skip', 90))],
    ['an MP4 with a truncated uuid box', 'video/mp4', () => appended('clip', box('uuid', 500).subarray(0, 100))],
    [
      'an MP4 in fragments',
      'video/mp4',
      () => streamed('clip', '-i', 'a.mp4', '-c', 'copy', '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4'),
    ],
    ['a MOV', 'video/quicktime', by('-i a.mp4 -c copy -f mov clip')],
    ['a WebM', 'video/webm', by('-i a.mp4 -c:v libvpx -an -f webm clip')],
    [
      'a WebM without a duration',
      'video/webm',
      () => streamed('clip', '-i', 'a.mp4', '-c:v', 'libvpx', '-an', '-f', 'webm'),
    ],
    [
      'an MPEG transport stream',
      'application/octet-stream',
      () => streamed('clip', '-i', 'a.mp4', '-c', 'copy', '-f', 'mpegts'),
    ],
    ['a GIF', 'application/octet-stream', by('-i a.mp4 -f gif clip')],
  ])(
    'in the form of %s is accepted',
    async (_name, contentType, make) => {
      await make();
      const facts = await clip('clip');
      expect(facts).toMatchObject({ contentType, width: 64, height: 64 });
      expect(Math.abs(facts.durationSeconds - 2)).toBeLessThan(0.3);
    },
    DEADLINE_MS,
  );

  const GARBAGE = async (): Promise<void> => {
    const bytes = await readFile(at('a.mp4'));
    bytes.fill(0x5a, bytes.indexOf('mdat') + 4);
    await writeFile(at('bad'), bytes);
  };
  it.each<[string, RegExp, () => unknown]>([
    [
      'HTML',
      /not a media file that ffmpeg can read/,
      () => writeFile(at('bad'), '<!DOCTYPE html><html><body>Just a moment…</body></html>'),
    ],
    ['JSON', /not a media file/, () => writeFile(at('bad'), '{"detail":"not found"}')],
    ['an empty file', /not a media file/, () => writeFile(at('bad'), '')],
    [
      'a JPEG',
      /not a media file|no video stream|no duration/,
      async () => writeFile(at('bad'), await readFile(at('a.jpg'))),
    ],
    ['a playlist', /not a media file/, () => writeFile(at('bad'), '#EXTM3U\n#EXTINF:2,\na.mp4\n#EXT-X-ENDLIST\n')],
    ['audio only', /no video stream/, by('-i a.mp4 -vn -c copy -f mp4 bad')],
    ['audio with a cover image', /no video stream/, by(`${COVER} bad`)],
    ['a single frame', /it lasts 0\.04 s; a clip of 2 s/, by('-i a.mp4 -frames:v 1 -an -f mp4 bad')],
    ['noise in a valid structure', /frame|decode/, GARBAGE],
  ])(
    'in the form of %s is rejected',
    async (_name, words, make) => {
      await make();
      const failed = clip('bad');
      await expect(failed).rejects.toMatchObject({ code: 'MEDIA_INVALID', message: expect.stringMatching(words) });
      await expect(failed).rejects.toMatchObject({ message: expect.not.stringContaining(dir) });
    },
    DEADLINE_MS,
  );

  it.each([0.3, 0.6, 0.9, 0.999])('that is truncated to a share of %s is rejected', async (share) => {
    const bytes = await readFile(at('a.mp4'));
    await writeFile(at('cut'), bytes.subarray(0, Math.floor(bytes.length * share)));
    await expect(clip('cut')).rejects.toMatchObject({ code: 'MEDIA_INVALID' });
  });

  it('is not invalid when its check is canceled', async () => {
    const signal = AbortSignal.abort();
    await expect(media.verifyClip(at('a.mp4'), rules, { signal })).rejects.toMatchObject({ code: 'CANCELED' });
  });
});

describe('music', () => {
  it.each<[string, () => unknown]>([
    ['an MP3 with a cover', by(`${COVER} sound`)],
    ['a WAV', by('-i a.mp4 -f wav sound')],
    ['a WAV without a duration', () => streamed('sound', '-i', 'a.mp4', '-f', 'wav')],
    ['FLAC', by('-i a.mp4 -f flac sound')],
    ['Ogg', by('-i a.mp4 -vn -c:a flac -f ogg sound')],
    ['a bare AAC stream', by('-i a.mp4 -vn -c copy -f adts sound')],
    ['Sun audio', by('-i a.mp4 -vn -f au sound')],
    ['an MP4 with video', async () => writeFile(at('sound'), await readFile(at('a.mp4')))],
    ['a WebM without a duration', () => streamed('sound', '-i', 'a.mp4', '-vn', '-c:a', 'libvorbis', '-f', 'webm')],
  ])(
    'in the form of %s is accepted',
    async (_name, make) => {
      await make();
      const { durationSeconds } = await sound('sound');
      expect(Math.abs(durationSeconds - 2)).toBeLessThan(0.3);
    },
    DEADLINE_MS,
  );

  it.each<[string, RegExp, () => unknown]>([
    ['an MP4 with video only', /^it has no audio stream, only video$/, by('-i a.mp4 -an -c copy -f mp4 mute')],
    ['a cover image only', /no audio stream/, by('-i a.jpg -map 0 -c copy -disposition:v attached_pic -f mp4 mute')],
    ['a WAV of 0 s', /^it lasts 0 s; at least 0\.5 s are needed$/, by('-f lavfi -i anullsrc -t 0 -f wav mute')],
    ['a click', /^it lasts 0\.0\d s; at least 0\.5 s are needed$/, by('-f lavfi -i sine=d=0.05 -f wav mute')],
    [
      'text with an MP3 header',
      /not a media file|no audio stream|decode/,
      () => writeFile(at('mute'), `ID3\u0003\u0000\u0000\u0000\u0000\u0000\u0000${'no sound '.repeat(50)}`),
    ],
    ['a JPEG', /not a media file|no audio stream/, async () => writeFile(at('mute'), await readFile(at('a.jpg')))],
  ])(
    'in the form of %s is rejected',
    async (_name, words, make) => {
      await make();
      await expect(sound('mute')).rejects.toMatchObject({
        code: 'MEDIA_INVALID',
        message: expect.stringMatching(words),
      });
    },
    DEADLINE_MS,
  );
});

describe('an image', () => {
  it('that can be decoded is accepted', async () => {
    await image('a.jpg', 'image/jpeg');
    await writeFile(at('a.png'), pngOf(400, 300));
    await image('a.png', 'image/png');
    ffmpeg('-i', 'a.jpg', '-q:v', '2', '-pix_fmt', 'yuvj444p', '-f', 'image2', 'b.jpg');
    await image('b.jpg', 'image/jpeg');
  });

  const damaged = async (source: string, mark: string | Buffer, from: number): Promise<void> => {
    const bytes = await readFile(at(source));
    const begin = bytes.indexOf(mark) + from;
    bytes.fill(0x11, begin, bytes.length - 16);
    await writeFile(at('damaged'), bytes);
  };
  it.each<[string, string, () => unknown]>([
    [
      'a truncated JPEG',
      'image/jpeg',
      async () => {
        const bytes = await readFile(at('a.jpg'));
        await writeFile(
          at('damaged'),
          Buffer.concat([bytes.subarray(0, bytes.length * 0.6), Buffer.from([0xff, 0xd9])]),
        );
      },
    ],
    [
      'a JPEG without a scan',
      'image/jpeg',
      async () => {
        const bytes = await readFile(at('a.jpg'));
        await writeFile(
          at('damaged'),
          Buffer.concat([bytes.subarray(0, bytes.indexOf(Buffer.from([0xff, 0xda])) + 14), Buffer.from([0xff, 0xd9])]),
        );
      },
    ],
    [
      'a PNG with noise in it',
      'image/png',
      async () => {
        await writeFile(at('a.png'), pngOf(400, 300));
        await damaged('a.png', 'IDAT', 12);
      },
    ],
    ['HTML', 'image/png', () => writeFile(at('damaged'), '<html>')],
    ['a WebP', 'image/webp', () => writeFile(at('damaged'), 'RIFF____WEBP')],
  ])('in the form of %s is rejected', async (_name, type, make) => {
    await make();
    await expect(image('damaged', type)).rejects.toMatchObject({ code: 'MEDIA_INVALID' });
  });
});
