import { describe, expect, it } from '@jest/globals';
import { json } from './fake.server.js';
import { idOf, never, oldest, operation, request, useReplicate } from './replicate.bench.js';
import { sharedMemory } from './shared.memory.js';

const fake = useReplicate();

describe('calls', () => {
  it.each([
    [429, 'PROVIDER_RATE_LIMITED'],
    [500, 'PROVIDER_UNAVAILABLE'],
    [402, 'PROVIDER_OUT_OF_CREDIT'],
    [422, 'PROVIDER_BAD_INPUT'],
  ])('status %i is not retried and is %s', async (status, code) => {
    fake.answer = (_, response) => {
      json(response, status, { detail: 'no' }, { 'retry-after': '2' });
    };
    await expect(fake.provider().submit(request, never)).rejects.toMatchObject({ code, retryAfterMs: 2000 });
    await expect(fake.provider().get(operation, never)).rejects.toMatchObject({ code });
    expect(fake.calls).toHaveLength(2);
  });
  it('a missing response is a timeout, or a cancel when the caller aborted', async () => {
    fake.answer = () => undefined;
    await expect(fake.provider({ callTimeoutMs: 100 }).get(operation, never)).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
    });
    await expect(fake.provider().get(operation, AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'CANCELED' });
  });
  it('find reads later pages to match by input, and stops at the start date', async () => {
    const created_at = new Date().toISOString();
    const mine = { id: 'mine', status: 'processing', model: request.model, created_at };
    const input = { prompt: 'a cup', duration: 6, aspect_ratio: '9:16', seed: 7 };
    fake.answer = (incoming, response) => {
      if (incoming.url.includes('cursor')) json(response, 200, { next: null, results: [{ ...mine, input }] });
      else
        json(response, 200, {
          next: `${fake.origin}/v1/predictions?cursor=2`,
          results: [{ ...mine, id: 'other', input: { ...input, prompt: 'x' } }],
        });
    };
    const since = new Date(Date.now() - 1000);
    expect(idOf(await fake.provider().find({ request, since, adopt: oldest }, never))).toBe('mine');
    const later = new Date(Date.now() + 60_000);
    expect(await fake.provider().find({ request, since: later, adopt: oldest }, never)).toEqual({ kind: 'absent' });
  });
});

describe('wait', () => {
  it('continues after a failed poll', async () => {
    fake.answer = (_, response) => {
      if (fake.calls.length === 2) json(response, 503, {});
      else
        json(response, 200, {
          id: 'p',
          status: fake.calls.length < 4 ? 'processing' : 'succeeded',
          output: 'https://x/y',
        });
    };
    const state = await fake.provider().wait(operation, { signal: never, timeoutMs: 120_000 });
    expect(state).toMatchObject({ status: 'succeeded', outputUrl: 'https://x/y' });
  });
  it('ends with PROVIDER_TIMEOUT', async () => {
    fake.answer = (_, response) => {
      json(response, 200, { id: 'p', status: 'processing' });
    };
    await expect(fake.provider().wait(operation, { signal: never, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
    });
  });
});

describe('cancel', () => {
  it.each([
    ['accepted, then canceled', 200, ['processing', 'canceled'], 'canceled'],
    ['refused, already ended', 422, ['succeeded'], 'succeeded'],
    ['accepted, but succeeded', 200, ['succeeded'], 'succeeded'],
  ])('%s', async (_name, status, states, final) => {
    let reads = 0;
    fake.answer = (incoming, response) => {
      if (incoming.method === 'POST') json(response, status, { detail: 'already over' });
      else json(response, 200, { id: 'p', status: states[Math.min(reads++, states.length - 1)] });
    };
    expect((await fake.provider().cancel(operation)).status).toBe(final);
  });

  it.each([
    ['still runs', 200, 'PROVIDER_UNAVAILABLE'],
    ['does not exist', 404, 'PROVIDER_BAD_INPUT'],
  ])('throws for a prediction that %s', async (_name, status, code) => {
    fake.answer = (incoming, response) => {
      if (incoming.method === 'POST') json(response, 404, { detail: 'no' });
      else json(response, status, { id: 'p', status: 'processing' });
    };
    await expect(fake.provider().cancel(operation)).rejects.toMatchObject({ code });
  });
});

describe('replicas', () => {
  it('spend one call on a 429, and resume after it', async () => {
    const shared = sharedMemory();
    let limitedUntil = 0;
    let early = 0;
    fake.answer = (_, response) => {
      if (limitedUntil === 0) limitedUntil = Date.now() + 900;
      const left = limitedUntil - Date.now();
      if (left > 0) {
        early += 1;
        json(response, 429, {}, { 'retry-after': '1' });
      } else json(response, 200, { id: 'p', status: 'processing' });
    };
    const [one, two] = [fake.provider({ shared }), fake.provider({ shared })];
    await expect(one.get(operation, never)).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED' });
    await Promise.all([one, two, two].map((replica) => replica.get(operation, never)));
    expect(early).toBe(1);
    await Promise.all([one.close(), two.close()]);
  });

  it('make no calls to a model that failed too often, and use other models', async () => {
    const shared = sharedMemory();
    const breaker = { failures: 2, openMs: 60_000 };
    fake.answer = (incoming, response) => {
      if (incoming.url.includes('veo-3.1')) json(response, 503, {});
      else json(response, 201, { id: 'p', status: 'starting' });
    };
    const [one, two] = [fake.provider({ shared, breaker }), fake.provider({ shared, breaker })];
    for (const replica of [one, two])
      await expect(replica.submit(request, never)).rejects.toMatchObject({
        code: 'PROVIDER_UNAVAILABLE',
        retryable: true,
      });
    await expect(one.submit(request, never)).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: false });
    expect(fake.calls).toHaveLength(2);
    expect((await two.submit({ ...request, model: 'google/veo-3' }, never)).id).toBe('p');
  });
});

describe('nudges', () => {
  it('end a pause at once, even when they come before it', async () => {
    let nudge = (): void => undefined;
    let stopped = 0;
    fake.answer = (_, response) => {
      if (fake.calls.length === 1) nudge();
      json(response, 200, {
        id: 'p',
        status: fake.calls.length > 1 ? 'succeeded' : 'processing',
        started_at: new Date().toISOString(),
      });
    };
    const state = await fake.provider({ pollIntervalMs: 3_600_000 }).wait(operation, {
      signal: never,
      timeoutMs: 120_000,
      nudge: (_id, callback) => {
        nudge = callback;
        return () => void (stopped += 1);
      },
    });
    expect([state.status, stopped]).toEqual(['succeeded', 1]);
  });
});
