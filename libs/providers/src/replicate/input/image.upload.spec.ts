import { describe, expect, it } from '@jest/globals';
import type Replicate from 'replicate';
import { createImageUpload } from './image.upload.js';

const HOUR_MS = 60 * 60_000;
const image = { key: 'aa/aabb.png', sha256: 'aabb', bytes: 7, contentType: 'image/png' };

describe('image upload', () => {
  it('does not return an expired URL after a failed upload', async () => {
    let atMs = 0;
    let uploads = 0;
    let isDown = false;
    const client = {
      files: {
        create: () => {
          if (isDown) return Promise.reject(new Error('down'));
          uploads += 1;
          return Promise.resolve({ urls: { get: `https://provider.example/files/${uploads}` } });
        },
      },
    } as unknown as Replicate;
    const { urlOf } = createImageUpload({
      client,
      call: (work) => work(),
      readFile: () => Promise.resolve(Buffer.from('image')),
      now: () => atMs,
    });
    const url = (): Promise<string> => urlOf(image, new AbortController().signal);

    expect(await url()).toBe('https://provider.example/files/1');
    atMs = 25 * HOUR_MS;
    isDown = true;
    await expect(url()).rejects.toThrow('down');
    await expect(url()).rejects.toThrow('down');
    isDown = false;
    expect(await url()).toBe('https://provider.example/files/2');
  });
});
