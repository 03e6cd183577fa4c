import { type ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { json } from './fake.server.js';
import { created, idOf, never, oldest, request, useReplicate } from './replicate.bench.js';

const fake = useReplicate();

/** The input of the request for google/veo-3.1. */
const INPUT = {
  prompt: 'a cup',
  duration: 6,
  aspect_ratio: '9:16',
  resolution: '720p',
  generate_audio: true,
  seed: 7,
};

describe('purchases', () => {
  const input = (at: number): unknown => (JSON.parse(fake.bodies[at] ?? '{}') as { input?: unknown }).input;

  it('carry their key in the webhook and a deadline for the provider, and no extra input field', async () => {
    let deadline: unknown;
    fake.answer = (incoming, response) => {
      deadline = incoming.headers['cancel-after'];
      json(response, 201, created);
    };
    await fake.provider({ webhookBaseUrl: 'https://x/hook' }).submit(request, never);
    expect(JSON.parse(fake.bodies[0] ?? '')).toMatchObject({ webhook: 'https://x/hook?key=k1' });
    expect(input(0)).toEqual(INPUT);
    expect(deadline).toBeUndefined();
    expect(fake.calls).toEqual(['POST /v1/models/google/veo-3.1/predictions']);
    await fake.provider({ cancelAfterMs: 1_200_000 }).submit(request, never);
    expect(deadline).toBe('1200s');
  });

  const schema = (...fields: string[]): object => ({
    latest_version: {
      openapi_schema: {
        components: { schemas: { Input: { properties: Object.fromEntries(fields.map((f) => [f, {}])) } } },
      },
    },
  });
  it.each([
    ['has the field', 200, schema('prompt', 'clipmesh_key'), { clipmesh_key: 'k1' }, 1],
    ['has no such field', 200, schema('prompt', 'seed'), {}, 1],
    ['has only other fields', 200, schema('prompt'), {}, 1],
    ['has no schema', 200, { latest_version: null }, {}, 1],
    ['cannot be read, and read it again', 503, {}, {}, 2],
  ])('carry their key in the input of a model that %s', async (_name, status, body, extra, reads) => {
    fake.answer = (incoming, response) => {
      if (incoming.method === 'GET') json(response, status, body);
      else json(response, 201, created);
    };
    const replicate = fake.provider({ inputKey: 'clipmesh_key' });
    await replicate.submit(request, never);
    await replicate.submit(request, never);
    expect(fake.calls.filter((each) => each === 'GET /v1/models/google/veo-3.1')).toHaveLength(reads);
    const posted = fake.bodies.filter((each) => each !== '').map((each) => JSON.parse(each) as { input: object });
    expect(posted.map((each) => each.input)).toEqual([1, 2].map(() => ({ ...INPUT, ...extra })));
  });

  it('continue while one of them gets no response', async () => {
    let pending: ServerResponse | undefined;
    fake.answer = (_incoming, response) => {
      if (fake.bodies.at(-1)?.includes('the one that hangs')) pending = response;
      else json(response, 201, created);
    };
    const replicate = fake.provider({ callTimeoutMs: 300_000, createSlotMs: 50 });
    const ended: string[] = [];
    const hanging = replicate.submit({ ...request, prompt: 'the one that hangs' }, never).then(() => ended.push('it'));
    const others = [1, 2, 3, 4].map((n) =>
      replicate.submit({ ...request, attemptKey: `k${n}` }, never).then(() => ended.push('another')),
    );
    await Promise.all(others);
    expect(ended).toEqual(['another', 'another', 'another', 'another']);
    expect(fake.calls).toHaveLength(5);
    json(pending!, 201, created);
    await hanging;
    expect(ended).toHaveLength(5);
  });

  it('are sent one at a time, so that one call meets a rate limit and not one per clip', async () => {
    fake.answer = (_incoming, response) => {
      if (fake.calls.length === 1)
        json(response, 429, { detail: 'Your rate limit resets in ~0.2s.', retry_after: 0.2 });
      else json(response, 201, created);
    };
    const replicate = fake.provider({ createSlotMs: 60_000 });
    const all = await Promise.allSettled([1, 2, 3, 4].map(() => replicate.submit(request, never)));
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect(fake.calls).toHaveLength(4);
  });

  it('are not aborted once sent, and not sent when canceled before', async () => {
    const caller = new AbortController();
    fake.answer = (_, response) => {
      caller.abort();
      setTimeout(() => {
        json(response, 201, created);
      }, 100);
    };
    expect((await fake.provider().submit(request, caller.signal)).id).toBe('p');
    await expect(fake.provider().submit(request, caller.signal)).rejects.toMatchObject({ code: 'CANCELED' });
    expect(fake.calls).toHaveLength(1);
    fake.answer = () => undefined;
    await expect(fake.provider({ callTimeoutMs: 100 }).submit(request, never)).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
    });
  });

  it('are not sent when writing the intent took longer than the time limit', async () => {
    fake.answer = (_, response) => {
      json(response, 201, created);
    };
    const slow = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));
    await expect(fake.provider({ callTimeoutMs: 100 }).submit(request, never, slow)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
    });
    expect(fake.calls).toHaveLength(0);
  });

  it('are found by their key, or by their input when the prediction carries no key', async () => {
    const same = { prompt: 'a cup', duration: 6, aspect_ratio: '9:16', seed: 7 };
    const listed = (id: string, more: object): object => ({
      ...created,
      id,
      created_at: new Date().toISOString(),
      ...more,
    });
    let results: object[] = [];
    fake.answer = (_, response) => {
      json(response, 200, { next: null, results });
    };
    const find = async (): Promise<string | undefined> =>
      idOf(await fake.provider().find({ request, since: new Date(Date.now() - 1000), adopt: oldest }, never));
    const foreign = [
      listed('input', { input: { ...same, clipmesh_key: 'k2' } }),
      listed('webhook', { input: same, webhook: 'https://x/hook?key=k2' }),
    ];
    results = foreign;
    expect(await find()).toBeUndefined();
    results = [...foreign, listed('keyless', { input: same })];
    expect(await find()).toBe('keyless');
    results = [...foreign, listed('mine', { input: { prompt: 'rewritten', clipmesh_key: 'k1' } })];
    expect(await find()).toBe('mine');
    // Predictions without a key, the oldest first.
    const at = (ms: number): object => ({ created_at: new Date(Date.now() - ms).toISOString() });
    results = [listed('newer', { input: same }), ...foreign, listed('older', { input: same, ...at(500) })];
    expect(await find()).toBe('older');
    // Created before the intent, by a clock that is behind ours.
    results = [listed('early', { input: same, ...at(4000) }), listed('too-early', { input: same, ...at(60_000) })];
    expect(await find()).toBe('early');
  });
});
