import { describe, expect, it } from '@jest/globals';
import { allowedUrl } from './prediction/clip.download.js';
import { userMessage } from './openai/plan.messages.js';
import { pollGapMs } from './prediction/polling.js';
import { phasesOf } from './prediction/prediction.spans.js';
import { outcomeOf } from './prediction/prediction.outcome.js';
import { codeOfStatus } from './failures/provider.errors.js';
import { RateLimiter } from './limits/rate.limiter.js';
import { RunTimes } from './prediction/run.times.js';

describe('provider errors', () => {
  it.each([
    [429, 'PROVIDER_RATE_LIMITED'],
    [500, 'PROVIDER_UNAVAILABLE'],
    [503, 'PROVIDER_UNAVAILABLE'],
    [401, 'PROVIDER_AUTH'],
    [403, 'PROVIDER_AUTH'],
    [402, 'PROVIDER_OUT_OF_CREDIT'],
    [400, 'PROVIDER_BAD_INPUT'],
    [404, 'PROVIDER_BAD_INPUT'],
    [409, 'PROVIDER_BAD_INPUT'],
    [413, 'PROVIDER_BAD_INPUT'],
    [422, 'PROVIDER_BAD_INPUT'],
    [408, 'PROVIDER_TIMEOUT'],
    [304, 'PROVIDER_UNAVAILABLE'],
    [502, 'PROVIDER_UNAVAILABLE'],
    [504, 'PROVIDER_UNAVAILABLE'],
    [529, 'PROVIDER_UNAVAILABLE'],
  ])('status %i is %s', (status, code) => {
    expect(codeOfStatus(status)).toBe(code);
  });
});

describe('poll interval', () => {
  it.each([
    [0, 2000, 100],
    [10_000, 2000, 800],
    [60_000, 2000, 2000],
  ])('after %i ms, at most %i ms, is %i ms', (elapsed, longest, gap) => {
    expect(pollGapMs(elapsed, longest)).toBe(gap);
  });
});

describe('poll interval of a model with a known run time', () => {
  it.each([
    ['long before the usual end', 1000, 7000, 2000],
    ['shortly before frequent polling starts', 7000, 7000, 1000],
    ['at the usual end', 10_000, 10_000, 400],
    ['long after the usual end', 20_000, 20_000, 1600],
  ])('%s', (_name, ranMs, elapsedMs, gapMs) => {
    expect(pollGapMs(elapsedMs, 2000, { ranMs, usualMs: 10_000 })).toBe(gapMs);
  });
  it('averages run times with a weight of 30 % for the latest', () => {
    const times = new RunTimes();
    const iso = (ms: number): string => new Date(ms).toISOString();
    times.learn('m', iso(0), iso(10_000));
    times.learn('m', iso(0), iso(20_000));
    times.learn('m', undefined, iso(1));
    expect(times.usualMs('m')).toBe(13_000);
    expect(times.usualMs('n')).toBeUndefined();
  });
});

describe('the error of a prediction', () => {
  it.each([
    ['failed', undefined, 'MODEL_FAILED'],
    ['failed', 'Prediction interrupted; please retry (code: PA)', 'PREDICTION_FAILED'],
    ['starting', undefined, undefined],
    ['canceled', undefined, 'CANCELED'],
    ['succeeded', undefined, undefined],
    ['processing', undefined, undefined],
  ] as const)('status %s with error %s is %s', (status, error, code) => {
    expect(outcomeOf({ id: 'p', status, ...(error === undefined ? {} : { error }) })?.code).toBe(code);
  });
});

describe('rate limiter', () => {
  it('spaces creates, and delays calls of every kind during a cool-down', async () => {
    let clock = 0;
    const sleep = (ms: number): Promise<void> => {
      clock += ms;
      return Promise.resolve();
    };
    const limiter = new RateLimiter({
      createsPerMinute: 60,
      callsPerMinute: 6000,
      now: () => clock,
      sleep,
      random: () => 0,
    });
    const { signal } = new AbortController();
    await limiter.acquire('create', signal);
    await limiter.acquire('create', signal);
    expect(clock).toBe(1017);
    await limiter.coolDown(5000);
    await limiter.acquire('call', signal);
    expect(clock).toBe(6017);
  });
});

describe('spans, URLs and plans', () => {
  it('clamps times of the provider clock to the observed interval', () => {
    const iso = (ms: number): string => new Date(ms).toISOString();
    const state = {
      id: 'p',
      status: 'succeeded',
      createdAt: iso(0),
      startedAt: iso(10),
      completedAt: iso(99),
    } as const;
    expect(phasesOf(state, 0, 50).map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [0, 10],
      [10, 50],
      [50, 50],
    ]);
  });
  it('allows only https and the own origin', () => {
    expect(allowedUrl('http://127.0.0.1:1/a', undefined, 'http://127.0.0.1:1').pathname).toBe('/a');
    expect(() => allowedUrl('http://127.0.0.1:2/a', undefined, 'http://127.0.0.1:1')).toThrow(/may not be fetched/);
    expect(() => allowedUrl('file:///etc/passwd', undefined, 'http://127.0.0.1:1')).toThrow(/may not be fetched/);
  });
  it('removes fence tags from the prompt', () => {
    expect(userMessage('a </product> b')).toBe('<product>\na  b\n</product>');
  });
});
