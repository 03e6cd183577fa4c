import { describe, expect, it } from '@jest/globals';
import { ClipmeshError, MessageSchemaError } from '@clipmesh/contracts';
import fc from 'fast-check';
import { backoffMs } from '../timing/backoff.js';
import { isLastTry, type Outcome, settle } from './settlement.js';
import { NO_RETRIES, addRetry } from './retry.counter.js';
import { Postponed } from './postponed.js';

const policy = { maxTries: 3, firstDelayMs: 1000, maxDelayMs: 30_000 };
const failed = (error: unknown): Outcome => ({ kind: 'failed', error });

describe('isLastTry', () => {
  it.each<[string, ClipmeshError['code'], number, number, boolean]>([
    ['a retryable error with tries left', 'PROVIDER_TIMEOUT', 2, 0, false],
    ['a retryable error on the last try', 'PROVIDER_TIMEOUT', 3, 0, true],
    ['a terminal error', 'PREDICTION_REFUSED', 1, 0, true],
    ['a spared error', 'PROVIDER_RATE_LIMITED', 3, 0, false],
    ['a spared error after its patience', 'PROVIDER_RATE_LIMITED', 3, 60_000, true],
  ])('decides for %s', (_name, code, attempt, ageMs, expected) => {
    const patient = { ...policy, patienceMs: { PROVIDER_RATE_LIMITED: 60_000 } };
    expect(isLastTry(new ClipmeshError(code, 'x'), { tries: attempt, failures: attempt - 1, ageMs }, patient)).toBe(
      expected,
    );
  });
});

describe('settlement', () => {
  it.each<[string, Outcome, number, ReturnType<typeof settle>]>([
    ['returned', { kind: 'returned' }, 1, { kind: 'ack' }],
    ['returned on the last try', { kind: 'returned' }, 3, { kind: 'ack' }],
    ['canceled', { kind: 'canceled' }, 1, { kind: 'ack' }],
    ['shutdown', { kind: 'shutdown' }, 1, { kind: 'nak', delayMs: 0, retry: 'none' }],
    ['shutdown on the last try', { kind: 'shutdown' }, 3, { kind: 'nak', delayMs: 0, retry: 'none' }],
    [
      'retryable',
      failed(new ClipmeshError('PROVIDER_UNAVAILABLE', 'x')),
      1,
      { kind: 'nak', delayMs: 1000, retry: 'counted' },
    ],
    [
      'retryable, second',
      failed(new ClipmeshError('PROVIDER_UNAVAILABLE', 'x')),
      2,
      { kind: 'nak', delayMs: 2000, retry: 'counted' },
    ],
    ['retryable, last', failed(new ClipmeshError('PROVIDER_UNAVAILABLE', 'x')), 3, { kind: 'give-up' }],
    [
      'rate limited',
      failed(new ClipmeshError('PROVIDER_RATE_LIMITED', 'x', { retryAfterMs: 9000 })),
      1,
      { kind: 'nak', delayMs: 9000, retry: 'counted' },
    ],
    ['unknown error', failed(new TypeError('x')), 1, { kind: 'nak', delayMs: 1000, retry: 'counted' }],
    ['terminal', failed(new ClipmeshError('PREDICTION_REFUSED', 'x')), 1, { kind: 'give-up' }],
    ['schema violation', failed(new MessageSchemaError('clip.generate', 'x')), 1, { kind: 'give-up' }],
  ])('%s', (_name, outcome, attempt, expected) => {
    expect(settle(outcome, { tries: attempt, failures: attempt - 1, ageMs: 0 }, policy, 1)).toEqual(expected);
  });

  it.each<
    [string, ClipmeshError['code'], { tries: number; failures: number; ageMs: number }, ReturnType<typeof settle>]
  >([
    [
      'first',
      'PROVIDER_RATE_LIMITED',
      { tries: 1, failures: 0, ageMs: 0 },
      { kind: 'nak', delayMs: 1000, retry: 'spared' },
    ],
    [
      'many',
      'PROVIDER_RATE_LIMITED',
      { tries: 3, failures: 9, ageMs: 59_999 },
      { kind: 'nak', delayMs: 30_000, retry: 'spared' },
    ],
    [
      'old',
      'PROVIDER_RATE_LIMITED',
      { tries: 2, failures: 9, ageMs: 60_000 },
      { kind: 'nak', delayMs: 30_000, retry: 'counted' },
    ],
    ['old, last', 'PROVIDER_RATE_LIMITED', { tries: 3, failures: 9, ageMs: 60_000 }, { kind: 'give-up' }],
    ['another code', 'PROVIDER_UNAVAILABLE', { tries: 3, failures: 9, ageMs: 0 }, { kind: 'give-up' }],
    [
      'another code with patience',
      'STORE_UNAVAILABLE',
      { tries: 3, failures: 2, ageMs: 119_999 },
      { kind: 'nak', delayMs: 4000, retry: 'spared' },
    ],
    [
      'another code after its patience',
      'STORE_UNAVAILABLE',
      { tries: 3, failures: 2, ageMs: 120_000 },
      { kind: 'give-up' },
    ],
  ])('retries without using a try while the code has patience: %s', (_name, code, tries, expected) => {
    const outcome = failed(new ClipmeshError(code, 'x'));
    const patienceMs = { PROVIDER_RATE_LIMITED: 60_000, STORE_UNAVAILABLE: 120_000 };
    expect(settle(outcome, tries, { ...policy, patienceMs }, 1)).toEqual(expected);
  });

  it('backs off between half and all of the doubled delay, up to the maximum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (fault, random) => {
        const ceiling = Math.min(1000 * 2 ** (fault - 1), 30_000);
        const delay = backoffMs(policy, fault, random);
        expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
        expect(delay).toBeLessThanOrEqual(ceiling);
      }),
    );
  });

  const postpone = { firstDelayMs: 1000, maxDelayMs: 8000, forMs: 60_000 };
  it.each<[number, number, number, ReturnType<typeof settle>]>([
    [0, 0, 0, { kind: 'nak', delayMs: 1000, retry: 'postponed' }],
    [0, 2, 0, { kind: 'nak', delayMs: 4000, retry: 'postponed' }],
    [0, 100, 0, { kind: 'nak', delayMs: 8000, retry: 'postponed' }],
    // The delay of the handler plus the back-off.
    [30_000, 1, 0, { kind: 'nak', delayMs: 32_000, retry: 'postponed' }],
    [-5, 0, 59_999, { kind: 'nak', delayMs: 1000, retry: 'postponed' }],
    [0, 0, 60_000, { kind: 'give-up' }],
  ])(
    'settles a postponement by %i ms after %i earlier ones at an age of %i ms',
    (delayMs, postponed, ageMs, expected) => {
      const error = new Postponed('DELIVERY_FAILED', 'the lane is full', delayMs);
      // Earlier failures do not matter: a postponement uses no try.
      const tries = { tries: 100, failures: 7, postponed, ageMs };
      expect(settle({ kind: 'postponed', error }, tries, { ...policy, postpone }, 1)).toEqual(expected);
    },
  );

  it('does not count a postponement as a try', () => {
    const once = addRetry(NO_RETRIES, 'postponed');
    expect(once).toEqual({ faults: 0, counted: 0, postponed: 1 });
    expect(addRetry(addRetry(once, 'counted'), 'spared')).toEqual({ faults: 2, counted: 1, postponed: 1 });
  });
});
