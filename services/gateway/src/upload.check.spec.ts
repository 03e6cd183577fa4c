import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClipmeshError, type FailureCode } from '@clipmesh/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { proveMusic, provePicture, type UploadCheck } from './upload.check.js';

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
    media: { verifySound: fail, verifyPicture: fail },
    scratch: { directory, withFolder: (use) => use(directory) },
    timeoutMs: 60_000,
    musicMinSeconds: 0.5,
  };
};
const bytes = Buffer.from('bytes');

describe('a check that fails', () => {
  it.each<[FailureCode, number, string, string]>([
    ['MEDIA_INVALID', 422, 'MUSIC_INVALID', 'REFERENCE_IMAGE_INVALID'],
    // It says nothing against the file: ffmpeg was ended, was not there, or had no room.
    ['CANCELED', 503, 'UPLOAD_NOT_CHECKED', 'UPLOAD_NOT_CHECKED'],
    ['FFMPEG_STALLED', 503, 'UPLOAD_NOT_CHECKED', 'UPLOAD_NOT_CHECKED'],
    ['OUT_OF_MEMORY', 503, 'UPLOAD_NOT_CHECKED', 'UPLOAD_NOT_CHECKED'],
    ['INTERNAL', 503, 'UPLOAD_NOT_CHECKED', 'UPLOAD_NOT_CHECKED'],
  ])('with %s is answered with %i', async (code, status, ofMusic, ofPicture) => {
    const check = checkThatFails(code);
    const picture = { bytes, contentType: 'image/png' };
    await expect(proveMusic(check, bytes)).rejects.toMatchObject({ status, code: ofMusic });
    const refused = provePicture(check, picture, 'referenceImage.url');
    await expect(refused).rejects.toMatchObject({ status, code: ofPicture });
    if (status === 422) await expect(refused).rejects.toMatchObject({ message: 'referenceImage.url: why' });
  });
});
