import { describe, expect, it } from '@jest/globals';
import { type CacheEntry } from '../ports.js';
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

describe('the key', () => {
  it('does not depend on the order of fields, and does on every value', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, e: false })).toBe(
      '{"b":[1,{"c":"x","d":null}],"e":false}',
    );
    expect(cacheKey({ a: 1, b: 2 })).toBe(cacheKey({ b: 2, a: 1 }));
    expect(cacheKey({ a: 1, b: 2 })).toMatch(/^[0-9a-f]{64}$/);
    expect(cacheKey({ a: 1, b: 2 })).not.toBe(cacheKey({ a: 1, b: '2' }));
    expect(cacheKey({ a: ['b', 'c'] })).not.toBe(cacheKey({ a: ['c', 'b'] }));
  });
});

describe('what somebody who wants it does', () => {
  it.each<[string, Partial<CacheEntry> | undefined, LeaseStep]>([
    ['nothing is there', undefined, 'create'],
    ['it is there', {}, 'use'],
    ['it is there, to the last ms', { createdAt: at(1 - ttlMs) }, 'use'],
    ['it is too old', { createdAt: at(-ttlMs) }, 'take'],
    ['another is buying it', { status: 'filling', leaseUntil: at(1) }, 'wait'],
    ["another's lease has run out", { status: 'filling', leaseUntil: at(0) }, 'take'],
    ['one was buying it oneself', { status: 'filling', holder: 'me', leaseUntil: at(1) }, 'resume'],
    ['one was buying it oneself, long ago', { status: 'filling', holder: 'me', leaseUntil: at(-DAY) }, 'resume'],
    ['a purchase in the making is old', { status: 'filling', createdAt: at(-9 * DAY), leaseUntil: at(1) }, 'wait'],
  ])('%s', (_name, change, step) => {
    expect(leaseStep(change && entry('a', change), 'me', NOW, ttlMs)).toBe(step);
  });
});

describe('what has to go', () => {
  const file = (digit: string, bytes: number) => ({
    artifact: { key: `${digit.repeat(2)}/${digit.repeat(64)}.mp4`, sha256: digit.repeat(64), bytes, contentType: 'v' },
  });
  it.each<[string, CacheEntry[], string[]]>([
    ['nothing that fits', [entry('a', file('a', 60)), entry('b', file('b', 40))], []],
    ['what is too old', [entry('a', { createdAt: at(-ttlMs) }), entry('b', {})], ['a']],
    ['not a purchase in the making', [entry('a', { status: 'filling', createdAt: at(-9 * DAY) })], []],
    ['a purchase that was left behind', [entry('a', { status: 'filling', leaseUntil: at(-ttlMs) })], ['a']],
    [
      'the least recently used, and nothing in its place',
      [
        entry('a', { ...file('a', 50), usedAt: at(-1) }),
        entry('b', { ...file('b', 60), usedAt: at(-2) }),
        entry('c', { ...file('c', 10), usedAt: at(-3) }),
      ],
      ['b', 'c'],
    ],
    ['no file counts twice', [entry('a', file('f', 80)), entry('b', file('f', 80))], []],
    ['a plan takes no room', [entry('a', file('a', 101)), entry('b', { kind: 'llm' })], ['a']],
  ])('%s', (_name, entries, gone) => {
    const evicted = toEvict(
      entries.map((value) => ({ value, revision: '1' })),
      NOW,
      { ttlMs, maxBytes: 100 },
    );
    expect(evicted.map(({ value }) => value.key.slice(0, 1))).toEqual(gone);
  });
});
