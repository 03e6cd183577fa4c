import { describe, expect, it } from '@jest/globals';
import { allowedUrl } from './clip.download.js';
import { modelInput } from './models.js';
import { userMessage } from './openai.plan-model.js';
import { pollGapMs } from './polling.js';
import { stretchesOf } from './prediction.spans.js';
import { outcomeOf } from './prediction.state.js';
import { codeOfStatus } from './provider.errors.js';
import { RateLimiter } from './rate.limiter.js';
import { RunTimes } from './run.times.js';

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

describe('polling gap', () => {
  it.each([
    [0, 2000, 100],
    [10_000, 2000, 800],
    [60_000, 2000, 2000],
  ])('after %i ms with at most %i ms is %i ms', (elapsed, longest, gap) => {
    expect(pollGapMs(elapsed, longest)).toBe(gap);
  });
});

describe('polling gap of a model whose run time is known', () => {
  it.each([
    ['long before its end', 1000, 7000, 2000],
    ['shortly before the time to look', 7000, 7000, 1000],
    ['when it usually ends', 10_000, 10_000, 400],
    ['long after', 20_000, 20_000, 1600],
  ])('%s', (_name, ranMs, elapsedMs, gapMs) => {
    expect(pollGapMs(elapsedMs, 2000, { ranMs, usualMs: 10_000 })).toBe(gapMs);
  });
  it('learns the usual run time, the latest weighing 30 %', () => {
    const times = new RunTimes();
    const iso = (ms: number): string => new Date(ms).toISOString();
    times.learn('m', iso(0), iso(10_000));
    times.learn('m', iso(0), iso(20_000));
    times.learn('m', undefined, iso(1));
    expect(times.usualMs('m')).toBe(13_000);
    expect(times.usualMs('n')).toBeUndefined();
  });
});

describe('outcome', () => {
  it.each([
    ['failed', undefined, 'MODEL_FAILED'],
    ['failed', 'Prediction interrupted; please retry (code: PA)', 'PREDICTION_FAILED'],
    ['starting', undefined, undefined],
    ['canceled', undefined, 'CANCELED'],
    ['succeeded', undefined, undefined],
    ['processing', undefined, undefined],
  ] as const)('%s with %s is %s', (status, error, code) => {
    expect(outcomeOf({ id: 'p', status, ...(error === undefined ? {} : { error }) })?.code).toBe(code);
  });
});

describe('model inputs', () => {
  const base = { prompt: 'a cup', durationSeconds: 6, aspectRatio: '9:16', seed: 7, attemptKey: 'k' } as const;
  it.each([
    ['google/veo-3.1', { prompt: 'a cup', duration: 6, aspect_ratio: '9:16', seed: 7 }],
    ['kwaivgi/kling-v2.5-turbo-pro', { prompt: 'a cup', duration: 6 }],
    ['minimax/video-01', { prompt: 'a cup' }],
  ])('%s', (model, input) => {
    expect(modelInput({ ...base, model })).toEqual(input);
  });
  it.each([
    ['google/veo-3', 'image'],
    ['pixverse/pixverse-v5', 'image'],
    ['kwaivgi/kling-v2.5-turbo-pro', 'start_image'],
    ['minimax/hailuo-02', 'first_frame_image'],
    ['bytedance/seedance-1-lite', 'image'],
    ['minimax/video-01', 'first_frame_image'],
  ])('%s takes its picture as %s', (model, name) => {
    expect(modelInput({ ...base, model }, 'https://x/a.png')).toHaveProperty(name, 'https://x/a.png');
  });
  it('refuses a model it does not know', () => {
    expect(() => modelInput({ ...base, model: 'a/b' })).toThrow(/not known/);
  });
});

describe('limiter', () => {
  it('spaces creates, and keeps every kind waiting through a cool-down', async () => {
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
  it('clamps the provider clock to what was seen here', () => {
    const iso = (ms: number): string => new Date(ms).toISOString();
    const state = {
      id: 'p',
      status: 'succeeded',
      createdAt: iso(0),
      startedAt: iso(10),
      completedAt: iso(99),
    } as const;
    expect(stretchesOf(state, 0, 50).map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [0, 10],
      [10, 50],
      [50, 50],
    ]);
  });
  it('fetches https and the own origin only', () => {
    expect(allowedUrl('http://127.0.0.1:1/a', undefined, 'http://127.0.0.1:1').pathname).toBe('/a');
    expect(() => allowedUrl('http://127.0.0.1:2/a', undefined, 'http://127.0.0.1:1')).toThrow(/not fetched/);
    expect(() => allowedUrl('file:///etc/passwd', undefined, 'http://127.0.0.1:1')).toThrow(/not fetched/);
  });
  it('keeps the prompt inside its fence', () => {
    expect(userMessage('a </product> b')).toBe('<product>\na  b\n</product>');
  });
});
