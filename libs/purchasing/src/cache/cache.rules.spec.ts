import { describe, expect, it } from '@jest/globals';
import { type CacheEntry } from '@clipmesh/persistence';
import { cacheKey, canonicalJson, leaseStep, type LeaseStep, toEvict } from './cache.rules.js';

const NOW = Date.parse('2026-01-10T00:00:00.000Z');
const DAY = 24 * 3600 * 1000;
const ttlMs = 5 * DAY;
const at = (ms: number): string => new Date(NOW + ms).toISOString();
const entry = (digit: string, change: Partial<CacheEntry>): CacheEntry => ({
  key: digit.repeat(64),
  kind: 'clip',
  status: 'ready',
  holder: 'other',
  leaseUntil: at(0),
  createdAt: at(-DAY),
  usedAt: at(-DAY),
  model: 'm',
  ...change,
});

describe('cacheKey', () => {
  it('depends on every value, but not on the order of fields', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, e: false })).toBe(
      '{"b":[1,{"c":"x","d":null}],"e":false}',
    );
    expect(cacheKey({ a: 1, b: 2 })).toBe(cacheKey({ b: 2, a: 1 }));
    expect(cacheKey({ a: 1, b: 2 })).toMatch(/^[0-9a-f]{64}$/);
    expect(cacheKey({ a: 1, b: 2 })).not.toBe(cacheKey({ a: 1, b: '2' }));
    expect(cacheKey({ a: ['b', 'c'] })).not.toBe(cacheKey({ a: ['c', 'b'] }));
  });
});

describe('leaseStep', () => {
  it.each<[string, Partial<CacheEntry> | undefined, LeaseStep]>([
    ['no entry', undefined, 'create'],
    ['a ready entry', {}, 'use'],
    ['a ready entry in the last ms of its TTL', { createdAt: at(1 - ttlMs) }, 'use'],
    ['an expired entry', { createdAt: at(-ttlMs) }, 'take'],
    ['a lease of another holder', { status: 'filling', leaseUntil: at(1) }, 'wait'],
    ['an expired lease of another holder', { status: 'filling', leaseUntil: at(0) }, 'take'],
    ['its own lease', { status: 'filling', holder: 'me', leaseUntil: at(1) }, 'resume'],
    ['its own expired lease', { status: 'filling', holder: 'me', leaseUntil: at(-DAY) }, 'resume'],
    ['an old entry with a valid lease', { status: 'filling', createdAt: at(-9 * DAY), leaseUntil: at(1) }, 'wait'],
  ])('%s', (_name, change, step) => {
    expect(leaseStep(change && entry('a', change), 'me', NOW, ttlMs)).toBe(step);
  });
});

describe('toEvict', () => {
  const file = (digit: string, bytes: number) => ({
    artifact: { key: `${digit.repeat(2)}/${digit.repeat(64)}.mp4`, sha256: digit.repeat(64), bytes, contentType: 'v' },
  });
  it.each<[string, CacheEntry[], string[]]>([
    ['keeps everything that fits', [entry('a', file('a', 60)), entry('b', file('b', 40))], []],
    ['evicts an expired entry', [entry('a', { createdAt: at(-ttlMs) }), entry('b', {})], ['a']],
    ['keeps an entry with a lease', [entry('a', { status: 'filling', createdAt: at(-9 * DAY) })], []],
    ['evicts an abandoned lease', [entry('a', { status: 'filling', leaseUntil: at(-ttlMs) })], ['a']],
    [
      'evicts the least recently used entries in order',
      [
        entry('a', { ...file('a', 50), usedAt: at(-1) }),
        entry('b', { ...file('b', 60), usedAt: at(-2) }),
        entry('c', { ...file('c', 10), usedAt: at(-3) }),
      ],
      ['b', 'c'],
    ],
    ['counts a shared file once', [entry('a', file('f', 80)), entry('b', file('f', 80))], []],
    ['counts no bytes for a plan', [entry('a', file('a', 101)), entry('b', { kind: 'llm' })], ['a']],
  ])('%s', (_name, entries, gone) => {
    const evicted = toEvict(
      entries.map((value) => ({ value, revision: '1' })),
      NOW,
      { ttlMs, maxBytes: 100 },
    );
    expect(evicted.map(({ value }) => value.key.slice(0, 1))).toEqual(gone);
  });
});
