import { createHash, createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openReceiver, pngOf, until } from '@clipmesh/testing';
import { type ApiError, createFalClient, type FalClient, type QueueStatus } from '@fal-ai/client';
import Replicate from 'replicate';
import { FAST, type SandboxBench, startBench } from './sandbox.bench.js';

const VEO = 'fal-ai/veo3.1/fast';
const VEO_IMAGE = 'fal-ai/veo3.1/fast/image-to-video';
const KLING = 'fal-ai/kling-video/v2.5-turbo/pro/text-to-video';
const REQUEST = { prompt: 'a red kettle', duration: '4s' } as const;
const input = (more: object = {}): typeof REQUEST => ({ ...REQUEST, ...more });

let sandbox: SandboxBench;
let fal: FalClient;
/** The answers to the client's calls, oldest first. */
let answers: { status: number; headers: Headers }[] = [];

const scenario = (body: object): Promise<Response> => sandbox.scenario(body);
const invoice: SandboxBench['invoice'] = () => sandbox.invoice();
const submit = (body: object = input(), model = VEO, query = ''): Promise<Response> =>
  fetch(`${sandbox.url}/fal/${model}${query}`, {
    method: 'POST',
    headers: { authorization: 'Key a:b', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const idOf = async (response: Promise<Response>): Promise<string> =>
  ((await (await response).json()) as { request_id: string }).request_id;
const cancel = async (id: string, app = 'fal-ai/veo3.1'): Promise<[number, unknown]> => {
  const answer = await fetch(`${sandbox.url}/fal/${app}/requests/${id}/cancel`, {
    method: 'PUT',
    headers: { authorization: 'Key a:b' },
  });
  return [answer.status, ((await answer.json()) as { status: unknown }).status];
};
const ended = async (id: string, model = VEO): Promise<QueueStatus> => {
  let state = await fal.queue.status(model, { requestId: id, logs: true });
  await until(
    async () => {
      state = await fal.queue.status(model, { requestId: id, logs: true });
      return state.status === 'COMPLETED';
    },
    60_000,
    'the end',
  );
  return state;
};
const failureOf = async (id: string, model = VEO): Promise<unknown> => {
  await ended(id, model);
  return fal.queue.result(model, { requestId: id }).then(
    () => undefined,
    (error: unknown) => {
      const { status, body } = error as ApiError<unknown>;
      return { status, body };
    },
  );
};

beforeAll(async () => {
  sandbox = await startBench();
  fal = createFalClient({
    credentials: 'id:secret',
    suppressLocalCredentialsWarning: true,
    fetch: async (url, init) => {
      const to = String(url instanceof Request ? url.url : url).replace('https://queue.fal.run', `${sandbox.url}/fal`);
      const answer = await fetch(to, init);
      answers.push({ status: answer.status, headers: answer.headers });
      return answer;
    },
  });
});
afterAll(() => sandbox.stop());
beforeEach(() => {
  answers = [];
  return sandbox.reset();
});

describe('the queue of fal', () => {
  it('makes a clip for the official client, and charges it', async () => {
    const states: string[] = [];
    const { data, requestId } = await fal.subscribe(VEO, {
      input: input(),
      pollInterval: 20,
      onQueueUpdate: ({ status }) => states.push(status),
    });
    const { video } = data as { video: { url: string; content_type: string } };
    expect(video.content_type).toBe('video/mp4');
    expect(await (await fetch(video.url)).text()).toMatch(/^video \d+ 4/);
    expect(states.at(-1)).toBe('COMPLETED');
    const result = answers.at(-1);
    expect([result?.headers.get('x-fal-billable-units'), result?.headers.get('x-fal-request-id')]).toEqual([
      '4',
      requestId,
    ]);
    expect(await invoice()).toMatchObject({
      predictions: [{ id: requestId, provider: 'fal', model: VEO, key: null, status: 'succeeded', amountUsd: 0.6 }],
      totalUsd: 0.6,
    });
  });

  it('charges one price a clip as one unit', async () => {
    const model = 'fal-ai/acme/clips';
    const Input = { type: 'object', required: ['prompt'], properties: { prompt: { type: 'string' } } };
    const prices = [{ usdPerClip: 0.26 }];
    await scenario({ ...FAST, models: [{ id: model, source: 'invented', asOf: '2026-01-01', Input, prices }] });
    const id = await idOf(submit({ prompt: 'a red kettle' }, model));
    await ended(id, model);
    await fal.queue.result(model, { requestId: id });
    expect(answers.at(-1)?.headers.get('x-fal-billable-units')).toBe('1');
    expect(await invoice()).toMatchObject({ totalUsd: 0.26 });
  });

  it('shares the invoice with Replicate, whose API does not show its requests', async () => {
    const replicate = new Replicate({ auth: 't', baseUrl: `${sandbox.url}/v1`, useFileOutput: false });
    const made = await replicate.predictions.create({
      model: 'google/veo-3.1',
      input: { prompt: 'a red kettle', duration: 4 },
    });
    const id = await idOf(submit());
    await ended(id);
    await replicate.wait(made, { interval: 20 });
    expect((await replicate.predictions.list()).results.map(({ id: listed }) => listed)).not.toContain(id);
    await expect(replicate.predictions.get(id)).rejects.toMatchObject({ response: { status: 404 } });
    expect((await invoice()).predictions.map(({ provider, amountUsd }) => [provider, amountUsd])).toEqual([
      ['replicate', 1.6],
      ['fal', 0.6],
    ]);
  });

  it('shows the position in the queue, and the URLs without the rest of the endpoint', async () => {
    await scenario({ ...FAST, queueSeconds: 60 });
    const first = (await (await submit()).json()) as Record<string, unknown>;
    const app = `${sandbox.url}/fal/fal-ai/veo3.1/requests/${String(first['request_id'])}`;
    expect(first).toEqual({
      request_id: expect.any(String),
      response_url: app,
      status_url: `${app}/status`,
      cancel_url: `${app}/cancel`,
      queue_position: 0,
    });
    const second = await fal.queue.submit(VEO, { input: input() });
    expect(second.queue_position).toBe(1);
    expect(await fal.queue.status(VEO, { requestId: second.request_id })).toMatchObject({
      status: 'IN_QUEUE',
      queue_position: 1,
    });
    await fal.queue.cancel(VEO, { requestId: String(first['request_id']) });
    expect(await fal.queue.status(VEO, { requestId: second.request_id })).toMatchObject({ queue_position: 0 });
    await expect(fal.queue.result(VEO, { requestId: second.request_id })).rejects.toMatchObject({ status: 400 });
  });

  it('starts a clip from an image', async () => {
    const image_url = `data:image/png;base64,${pngOf(300, 300).toString('base64')}`;
    const { data } = await fal.subscribe(VEO_IMAGE, { input: { ...input(), image_url }, pollInterval: 20 });
    expect((await fetch(data.video.url)).status).toBe(200);
    expect(sandbox.renders.images.at(-1)).toEqual(expect.any(String));
    const unreadable = await idOf(submit(input({ image_url: 'https://example.test/a.png' }), VEO_IMAGE));
    expect(await failureOf(unreadable)).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'image_url'], type: 'image_load_error' }] },
    });
  });

  it('cancels a request that waits without a charge, and one that runs with a charge', async () => {
    await scenario({ ...FAST, queueSeconds: 60 });
    const waiting = await idOf(submit());
    expect(await cancel(waiting)).toEqual([200, 'OK']);
    await scenario({ ...FAST, hold: [0] });
    const running = await idOf(submit());
    await until(
      async () => (await fal.queue.status(VEO, { requestId: running })).status === 'IN_PROGRESS',
      60_000,
      'a run',
    );
    expect(await cancel(running)).toEqual([202, 'CANCELLATION_REQUESTED']);
    expect(await cancel(running)).toEqual([400, 'ALREADY_COMPLETED']);
    expect(await cancel('00000000-0000-0000-0000-000000000000')).toEqual([404, 'NOT_FOUND']);
    expect(await cancel(running, 'fal-ai/kling-video')).toEqual([404, 'NOT_FOUND']);
    expect(await ended(running)).toMatchObject({ error_type: 'client_cancelled' });
    expect(await failureOf(waiting)).toMatchObject({ status: 499, body: { error_type: 'client_cancelled' } });
    expect((await invoice()).predictions.map(({ status, amountUsd }) => [status, amountUsd])).toEqual([
      ['aborted', 0],
      ['canceled', 0.6],
    ]);
  });

  it('answers failed runs as completed, with the error in the result', async () => {
    await scenario({ ...FAST, failEvery: 4, rejectPrompts: 'forbidden', rejectOutputs: { prompts: 'bottle' } });
    const bad = await idOf(submit(input({ duration: '5s' })));
    const refused = await idOf(submit(input({ prompt: 'a forbidden kettle' })));
    const empty = await idOf(submit(input({ prompt: 'a bottle' })));
    const broken = await idOf(submit());
    const unknown = await idOf(submit(input({ colour: 'red' })));
    expect(await ended(bad)).toMatchObject({ status: 'COMPLETED', error: 'Invalid status code: 422' });
    expect(await failureOf(bad)).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'duration'], type: 'one_of', ctx: { expected: ['4s', '6s', '8s'] } }] },
    });
    expect(await failureOf(refused)).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'prompt'], type: 'content_policy_violation' }] },
    });
    expect(await failureOf(empty)).toMatchObject({ status: 422, body: { detail: [{ type: 'no_media_generated' }] } });
    expect(answers.at(-1)?.headers.get('x-fal-billable-units')).toBe('4');
    const state = await ended(broken);
    expect(state).toMatchObject({
      error_type: 'internal_server_error',
      metrics: { inference_time: expect.any(Number) },
    });
    expect(await failureOf(unknown)).toMatchObject({ body: { detail: [{ loc: ['body', 'colour'] }] } });
    expect((await invoice()).predictions.map(({ amountUsd }) => amountUsd)).toEqual([0, 0, 0.6, 0, 0]);
  });

  it('limits the rate, is unavailable, and loses replies as the scenario says', async () => {
    await scenario({ ...FAST, rateLimit: { perMinute: 1, retryAfterSeconds: 3 } });
    expect((await submit()).status).toBe(200);
    const limited = await submit();
    expect([limited.status, limited.headers.get('retry-after'), await limited.json()]).toMatchObject([
      429,
      '3',
      { error_type: 'concurrent_requests_limit' },
    ]);
    await scenario({ ...FAST, unavailableEvery: 1 });
    expect((await submit()).status).toBe(503);
    await sandbox.reset();
    await scenario({ ...FAST, loseReplies: 1 });
    const kettle = { prompt: 'a red kettle', duration: '5' };
    await expect(submit(kettle, KLING)).rejects.toThrow();
    await scenario({ ...FAST, loseReplies: 1 });
    await expect(submit(kettle, KLING, '?fal_webhook=http%3A%2F%2F127.0.0.1%3A1%2F%3Fkey%3Dk')).rejects.toThrow();
    await until(async () => (await invoice()).totalUsd > 0.69, 60_000, 'both charges');
    expect((await invoice()).predictions.map(({ key, amountUsd }) => [key, amountUsd])).toEqual([
      [null, 0.35],
      ['k', 0.35],
    ]);
  });

  it('returns outputs in the forms of the scenario', async () => {
    await scenario({ ...FAST, outputs: ['array', 'null'] });
    const results: unknown[] = [];
    for (const seed of [1, 2])
      results.push((await fal.subscribe(VEO, { input: { ...input(), seed }, pollInterval: 20 })).data);
    expect(results).toEqual([[expect.stringMatching(/\/files\/.+\.mp4$/)], null]);
  });

  it('refuses calls without a key, and unknown endpoints and requests', async () => {
    const keyless = await fetch(`${sandbox.url}/fal/${VEO}`, { method: 'POST' });
    expect([keyless.status, await keyless.json()]).toMatchObject([401, { detail: expect.any(String) }]);
    expect((await submit(input(), 'fal-ai/nothing')).status).toBe(404);
    expect((await submit([])).status).toBe(400);
    expect((await submit(input(), VEO, '?fal_webhook=file:///a')).status).toBe(400);
    await expect(fal.queue.status(VEO, { requestId: 'nothing' })).rejects.toMatchObject({ status: 404 });
    expect((await invoice()).totalUsd).toBe(0);
  });
});

describe('the webhooks of fal', () => {
  it('carry the result, or the error, with a signature that the published keys verify', async () => {
    const receiver = await openReceiver(1);
    const { calls, url: webhookUrl } = receiver;
    const { request_id } = await fal.queue.submit(VEO, { input: input(), webhookUrl });
    await until(() => calls.length >= 2, 60_000, 'the second try');
    await scenario({ ...FAST, rejectPrompts: 'kettle' });
    await fal.queue.submit(VEO, { input: input(), webhookUrl });
    await until(() => calls.length >= 3, 60_000, 'the error');
    await receiver.close();

    const { keys } = (await (await fetch(`${sandbox.url}/fal/.well-known/jwks.json`)).json()) as { keys: JsonWebKey[] };
    for (const { headers, body } of calls) {
      const signed = [
        headers['x-fal-webhook-request-id'],
        headers['x-fal-webhook-user-id'],
        headers['x-fal-webhook-timestamp'],
        createHash('sha256').update(body).digest('hex'),
      ].join('\n');
      const signature = Buffer.from(String(headers['x-fal-webhook-signature']), 'hex');
      const valid = keys.some((key) =>
        verify(null, Buffer.from(signed), createPublicKey({ key, format: 'jwk' }), signature),
      );
      expect(valid).toBe(true);
    }
    expect(JSON.parse(calls[1]!.body)).toEqual({
      request_id,
      gateway_request_id: expect.any(String),
      status: 'OK',
      payload: { video: expect.objectContaining({ url: expect.stringContaining(request_id) }) },
    });
    expect(JSON.parse(calls[2]!.body)).toMatchObject({
      status: 'ERROR',
      error: 'Invalid status code: 422',
      payload: { detail: [{ type: 'content_policy_violation' }] },
    });
    expect((await invoice()).predictions[0]).toMatchObject({ key: 'attempt-1' });
  });
});
