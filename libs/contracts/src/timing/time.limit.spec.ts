import { describe, expect, it } from '@jest/globals';
import { withTimeout } from './time.limit.js';

const never = (): Promise<never> => new Promise(() => undefined);

describe('a time limit', () => {
  it('passes on the result or the error of the work', async () => {
    expect(await withTimeout(600_000, () => Promise.resolve('done'))).toBe('done');
    await expect(withTimeout(600_000, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await expect(
      withTimeout(600_000, () => {
        throw new Error('broken at once');
      }),
    ).rejects.toThrow('broken at once');
  });

  it('rejects when the work takes longer, with the default or the given error', async () => {
    await expect(withTimeout(1, never)).rejects.toThrow('no answer within 1 ms');
    await expect(withTimeout(1, never, () => new Error('the store is slow'))).rejects.toThrow('the store is slow');
  });
});
