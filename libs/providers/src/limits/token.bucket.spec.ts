import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LEASE_MS, limitsOf, take, type TokenState } from './token.bucket.js';

describe('token bucket', () => {
  const limits = { capacity: 10, perMs: 0.01 };
  it.each([
    ['a new bucket is full', undefined, 0, 4, { granted: 4, waitMs: 0 }],
    ['grants no more than its capacity', undefined, 0, 99, { granted: 10, waitMs: 0 }],
    ['an empty bucket returns the wait', { tokens: 0, atMs: 0 }, 0, 1, { granted: 0, waitMs: 100 }],
    ['refills over time', { tokens: 0, atMs: 0 }, 250, 9, { granted: 2, waitMs: 0 }],
    ['never exceeds its capacity', { tokens: 0, atMs: 0 }, 1e9, 99, { granted: 10, waitMs: 0 }],
    ['a clock behind refills nothing and waits', { tokens: 0, atMs: 1000 }, 400, 1, { granted: 0, waitMs: 700 }],
    ['a clock far ahead is ignored', { tokens: 0, atMs: 1e12 }, 0, 1, { granted: 0, waitMs: 100 }],
    ['nothing wanted changes nothing', { tokens: 3, atMs: 0 }, 0, 0, { granted: 0 }],
  ] as const)('%s', (_name, state, now, want, expected) => {
    const taken = take(state, limits, now, want);
    expect(taken).toMatchObject(expected);
    if (state !== undefined && taken.granted === 0) expect(taken.state).toBe(state);
  });

  it('grants no more than the limit in any minute, with skewed clocks and late use of tokens', () => {
    const ask = fc.record({
      gapMs: fc.nat(3000),
      want: fc.nat(80),
      skewMs: fc.integer({ min: -3000, max: 0 }),
      lateMs: fc.nat(LEASE_MS - 1),
    });
    fc.assert(
      fc.property(fc.constantFrom(1, 7, 60, 600, 3000), fc.array(ask, { maxLength: 300 }), (perMinute, asks) => {
        const limitsOfAll = limitsOf(perMinute);
        let state: TokenState | undefined;
        let now = 1_000_000;
        const used: number[] = [];
        for (const { gapMs, want, skewMs, lateMs } of asks) {
          now += gapMs;
          const taken = take(state, limitsOfAll, now + skewMs, want);
          state = taken.state;
          for (let n = 0; n < taken.granted; n += 1) used.push(now + lateMs);
        }
        used.sort((a, b) => a - b);
        let from = 0;
        for (const [at, time] of used.entries()) {
          while ((used[from] ?? time) <= time - 60_000) from += 1;
          expect(at - from + 1).toBeLessThanOrEqual(
            perMinute + (state === undefined ? 0 : skewSlack(limitsOfAll.perMs)),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('rejects a limit of 0', () => {
    expect(() => limitsOf(0)).toThrow(RangeError);
  });
});

/** Tokens that clocks 3 s apart may move from one minute into the next. */
const skewSlack = (perMs: number): number => Math.ceil(3000 * perMs);
