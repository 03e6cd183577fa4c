import { describe, expect, it } from '@jest/globals';
import { createOrOpen } from './create.once.js';

const named = (name: string, code: number): Error => Object.assign(new Error('refused'), { name, code });

describe('creating a stream or bucket', () => {
  it.each([
    ['was created concurrently', named('JetStreamApiError', 10_058), 'opened', 2],
    ['was created concurrently, on an old broker', named('JetStreamApiError', 10_065), 'opened', 2],
    ['is refused for another reason', named('JetStreamApiError', 10_047), 'refused', 1],
    ['fails with the same code of another library', named('Error', 10_058), 'refused', 1],
  ])('that %s: tries again only for a concurrent create', async (_what, error, outcome, tries) => {
    let count = 0;
    const create = (): Promise<string> => {
      count += 1;
      return count === 1 ? Promise.reject(error) : Promise.resolve('opened');
    };
    const found = await createOrOpen(create).catch((cause: unknown) => (cause as Error).message);
    expect([found, count]).toEqual([outcome, tries]);
  });
});
