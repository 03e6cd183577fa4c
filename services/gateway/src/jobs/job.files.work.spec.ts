import { expect, it } from '@jest/globals';
import { WorkCounter } from '@clipmesh/testing';

const TEN_MB = 10 * 1024 * 1024;
const START = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);

it.each([
  ['zeros', (bytes: number) => Buffer.concat([START, Buffer.alloc(bytes - 4)])],
  ['empty segments', (bytes: number) => Buffer.alloc(bytes, Buffer.from([0xff, 0xe1, 0, 2])).fill(START, 0, 2)],
  ['fill bytes', (bytes: number) => Buffer.alloc(bytes, 0xff).fill(START, 0, 2)],
])('rejects 10 MB of %s after the start of a JPEG with the work of 1 MB', async (_name, of) => {
  const counter = await WorkCounter.start(/image-size|services\/gateway\/src\//);
  try {
    const { checkImage } = await import('./job.files.js');
    const workOf = (bytes: Buffer): Promise<number> =>
      counter.during(() => {
        expect(() => checkImage(bytes, 'referenceImage.data')).toThrow(/neither|truncated/);
      });
    const [small, large] = [await workOf(of(TEN_MB / 10)), await workOf(of(TEN_MB))];
    expect(large / small).toBeLessThan(1.2);
  } finally {
    await counter.stop();
  }
});
