import { describe, expect, it } from '@jest/globals';
import { type GenerationRecord } from '@clipmesh/contracts';
import { cacheScope } from './cache.scope.js';

const owners: Readonly<Record<string, string>> = { g1: 'ann', g2: 'bob', g3: 'ann' };
let reads = 0;
const generations: Parameters<typeof cacheScope>[1] = {
  get: (id) => {
    reads += 1;
    const owner = owners[id];
    return Promise.resolve(owner === undefined ? undefined : { value: { owner } as GenerationRecord, revision: '1' });
  },
};

describe('cacheScope', () => {
  it.each([
    ['owner', 'g1', 'owner:ann'],
    ['owner', 'g2', 'owner:bob'],
    ['owner', 'g3', 'owner:ann'],
    // Prefixes keep owner names and generation ids apart.
    ['owner', 'gone', 'generation:gone'],
    ['shared', 'g1', undefined],
    ['shared', 'gone', undefined],
  ] as const)('%s of %s is %s', async (scope, id, expected) => {
    expect(await cacheScope(scope, generations)(id)).toBe(expected);
  });

  it('reads no record for the shared scope', async () => {
    reads = 0;
    await cacheScope('shared', generations)('g1');
    expect(reads).toBe(0);
  });
});
