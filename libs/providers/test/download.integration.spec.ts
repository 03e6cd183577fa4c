import { existsSync, readFileSync, statSync } from 'node:fs';
import { type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EVERYTHING_BUT_TIMEOUTS, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { type ReplicateOptions } from '../src/index.js';
import { never, useReplicate } from './replicate.bench.js';

const fake = useReplicate();
let folder: TempFolder;
beforeEach(async () => {
  folder = await tempFolder('download');
});
afterEach(() => folder.remove());

describe('download', () => {
  const cases: [string, string, (response: ServerResponse) => void, Partial<ReplicateOptions>?][] = [
    ['slow', 'DOWNLOAD_FAILED', (response) => response.writeHead(200).write('x'), { downloadTimeoutMs: 300 }],
    ['too large', 'PROVIDER_BAD_ANSWER', (response) => response.end(Buffer.alloc(2000))],
    ['gone', 'DOWNLOAD_EXPIRED', (response) => response.writeHead(404).end()],
    [
      'redirected elsewhere',
      'PROVIDER_BAD_ANSWER',
      (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    ],
    [
      'cut off',
      'DOWNLOAD_FAILED',
      (response) => {
        response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy());
      },
    ],
  ];
  it('of a data URL writes its content', async () => {
    const file = join(folder.path, 'a');
    const url = `data:video/mp4;codecs="avc1.42E01E, mp4a.40.2";base64,${Buffer.from('clip').toString('base64')}`;
    expect(await fake.provider().download(url, file, never)).toEqual({ bytes: 4 });
    expect(readFileSync(file, 'utf8')).toBe('clip');
    expect(fake.calls).toEqual([]);
  });
  it.each([
    ['too large', `data:video/mp4;base64,${'secret'.repeat(1000)}`, 'the output is larger than 1000 bytes'],
    ['without base64', 'data:video/mp4,secret', 'the output is a data URL without base64'],
  ])('of a data URL that is %s is refused without quoting it', async (_name, url, message) => {
    const file = join(folder.path, 'a');
    const failed = fake.provider({ maxDownloadBytes: 1000 }).download(url, file, never);
    await expect(failed).rejects.toMatchObject({ code: 'PROVIDER_BAD_ANSWER', retryable: false, message });
    await expect(failed).rejects.not.toHaveProperty('message', expect.stringContaining('secret'));
    expect(existsSync(file)).toBe(false);
  });

  it.each(cases)('%s is %s and leaves no file', async (_name, code, reply, more = {}) => {
    fake.answer = (_, response) => {
      reply(response);
    };
    const file = join(folder.path, 'clip.mp4');
    await expect(
      fake.provider({ maxDownloadBytes: 1000, ...more }).download(`${fake.origin}/f`, file, never),
    ).rejects.toMatchObject({ code });
    expect(existsSync(file)).toBe(false);
  });
  it('is aborted after the idle time without data, however long the time limit is', async () => {
    const file = join(folder.path, 'clip.mp4');
    const idleMs = 30_000;
    let sender: ServerResponse | undefined;
    fake.answer = (_, response) => {
      sender = response.writeHead(200);
      response.write('x');
    };
    const size = (): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    // The idle limit runs on the test's clock; nothing else does.
    jest.useFakeTimers({ doNotFake: EVERYTHING_BUT_TIMEOUTS });
    try {
      const download = fake.provider({ downloadIdleTimeoutMs: idleMs }).download(`${fake.origin}/f`, file, never);
      const stopped = expect(download).rejects.toMatchObject({
        code: 'DOWNLOAD_FAILED',
        retryable: true,
        message: `the download received no data for ${idleMs} ms after 5 bytes`,
      });
      for (let bytes = 1; bytes <= 5; bytes += 1) {
        await until(() => size() === bytes, 120_000, `${bytes} bytes`);
        jest.advanceTimersByTime(0.9 * idleMs);
        if (bytes < 5) sender?.write('x');
      }
      jest.advanceTimersByTime(idleMs);
      await stopped;
    } finally {
      jest.useRealTimers();
    }
    expect(existsSync(file)).toBe(false);
  });
  it('streams to the file', async () => {
    fake.answer = (_, response) => response.end('clip');
    expect(await fake.provider().download(`${fake.origin}/f`, join(folder.path, 'a'), never)).toEqual({ bytes: 4 });
  });
});
