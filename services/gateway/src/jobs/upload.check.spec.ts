import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClipmeshError, type FailureCode } from '@clipmesh/contracts';
import { type RunContext } from '@clipmesh/media';
import { pngOf } from '@clipmesh/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type FileDeps, storeFiles } from './job.files.js';
import { problemOf } from '../http/problems/problem.js';
import { verifyMusic, verifyImage, type UploadCheck, uploadLimit } from './upload.check.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'uploads-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const checkThatFails = (code: FailureCode): UploadCheck => {
  const fail = (): Promise<never> => Promise.reject(new ClipmeshError(code, 'why'));
  return {
    media: { verifySound: fail, verifyImage: fail },
    scratch: { directory, withFolder: (use) => use(directory) },
    limit: uploadLimit(2),
    timeoutMs: 60_000,
    musicMinSeconds: 0.5,
  };
};
const bytes = Buffer.from('bytes');

describe('a check that fails', () => {
  it.each<[FailureCode, number, string, string]>([
    ['MEDIA_INVALID', 422, 'MUSIC_INVALID', 'REFERENCE_IMAGE_INVALID'],
    // Not the fault of the file: ffmpeg was stopped, was missing, or had no memory.
    ['CANCELED', 503, 'UPLOAD_NOT_CHECKED', 'UPLOAD_NOT_CHECKED'],
    ['FFMPEG_STALLED', 503, 'UPLOAD_NOT_CHECKED', 'UPLOAD_NOT_CHECKED'],
    ['OUT_OF_MEMORY', 503, 'UPLOAD_NOT_CHECKED', 'UPLOAD_NOT_CHECKED'],
    ['INTERNAL', 503, 'UPLOAD_NOT_CHECKED', 'UPLOAD_NOT_CHECKED'],
  ])('with %s is a %i', async (code, status, ofMusic, ofImage) => {
    const check = checkThatFails(code);
    const image = { bytes, contentType: 'image/png' };
    await expect(verifyMusic(check, bytes)).rejects.toMatchObject({ status, code: ofMusic });
    const refused = verifyImage(check, image, 'referenceImage.url');
    await expect(refused).rejects.toMatchObject({ status, code: ofImage });
    if (status === 422) await expect(refused).rejects.toMatchObject({ message: 'referenceImage.url: why' });
  });
});

describe('the checks of one owner', () => {
  const png = `data:image/png;base64,${pngOf(300, 300).toString('base64')}`;
  const request = { referenceImage: { data: png } };

  /** Checks that the test ends by hand. */
  function manualChecks() {
    const waiting: ((error?: Error) => void)[] = [];
    const decode = (): Promise<void> =>
      new Promise((resolve, reject) => {
        waiting.push((error) => {
          if (error === undefined) resolve();
          else reject(error);
        });
        reached.shift()?.();
      });
    const reached: (() => void)[] = [];
    const uploads = { ...checkThatFails('INTERNAL'), media: { verifyImage: decode } } as unknown as UploadCheck;
    const artifacts = { put: () => Promise.resolve({}) };
    const deps = { artifacts, imageRules: {}, uploads } as unknown as FileDeps;
    return {
      uploads,
      store: (owner: string) => storeFiles(deps, request, owner),
      /** Starts a check and waits until it runs. */
      start: async (owner: string): Promise<{ done: Promise<unknown>; end: (error?: Error) => void }> => {
        const running = new Promise<void>((resolve) => reached.push(resolve));
        const done = storeFiles(deps, request, owner);
        await running;
        const end = waiting.pop();
        if (end === undefined) throw new Error('no check is running');
        return { done, end };
      },
    };
  }

  it('are limited to two: a third is a 429 with Retry-After, other owners are not affected', async () => {
    const { start, store, uploads } = manualChecks();
    const first = await start('ann');
    const second = await start('ann');
    const third = await store('ann').catch(problemOf);
    expect(third).toMatchObject({ status: 429, code: 'TOO_MANY_UPLOADS', headers: { 'Retry-After': '5' } });
    const other = await start('bob');
    first.end();
    await first.done;
    const fourth = await start('ann');
    second.end(new ClipmeshError('MEDIA_INVALID', 'why'));
    await expect(second.done).rejects.toMatchObject({ status: 422 });
    other.end();
    fourth.end();
    await Promise.all([other.done, fourth.done]);
    expect(uploads.limit.inUse).toBe(0);
  });

  it('do not count a request without files', async () => {
    const uploads = { ...checkThatFails('INTERNAL'), limit: uploadLimit(0) };
    expect(await storeFiles({ uploads } as unknown as FileDeps, {}, 'ann')).toEqual({});
  });

  it('start their timeout when a process starts, not while it waits', async () => {
    const contexts: RunContext[] = [];
    const check = checkThatFails('INTERNAL');
    const decode = (_file: string, _type: string, context: RunContext): Promise<void> =>
      Promise.resolve(void contexts.push(context));
    await verifyImage(
      { ...check, media: { ...check.media, verifyImage: decode } },
      { bytes, contentType: 'image/png' },
      'x',
    );
    expect(contexts[0]?.signal.aborted).toBe(false);
    expect(contexts[0]?.runSignal?.()).not.toBe(contexts[0]?.runSignal?.());
  });
});
