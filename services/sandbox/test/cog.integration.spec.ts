import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Cog, findCog, openReceiver, startCog, until } from '@clipmesh/testing';
import { FAST, type SandboxBench, startBench } from './sandbox.bench.js';

const DEADLINE_MS = 120_000;
const MODEL = 'cog/animatic';
const CUP = { prompt: 'a cup', seconds: 1 };
const program = await findCog();
let ids = 0;
const newId = (): string => `clip.gen_${'a'.repeat(32)}.0.${(ids += 1)}`;

/** A server of Cog's HTTP API. */
interface CogHost {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  url(): string;
  /** Makes the next prediction run until it is canceled, and returns its input. */
  runOn(): Promise<object>;
}

let sandbox: SandboxBench;
const played: CogHost = {
  name: 'the sandbox',
  async start() {
    sandbox = await startBench();
  },
  stop: () => sandbox.stop(),
  url: () => `${sandbox.url}/cog/${MODEL}`,
  async runOn() {
    await sandbox.scenario({ ...FAST, hold: [0] });
    return CUP;
  },
};
let cog: Cog;
const real: CogHost = {
  name: 'the real server',
  async start() {
    cog = await startCog(program!);
  },
  stop: () => cog.server.end('SIGTERM'),
  url: () => cog.url,
  runOn: () => Promise.resolve({ prompt: 'sleep 600' }),
};

type Answer = [status: number, body: unknown];

describe.each(program === undefined ? [played] : [played, real])('the API of Cog, by $name', (host) => {
  const call = async (method: string, path: string, body?: object, headers: object = {}): Promise<Answer> => {
    const answer = await fetch(`${host.url()}/${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return [answer.status, text.startsWith('{') ? JSON.parse(text) : text];
  };
  const put = (id: string, body: object, headers: object = {}): Promise<Answer> =>
    call('PUT', `predictions/${id}`, body, headers);
  const ASYNC = { prefer: 'respond-async' };
  const health = async (): Promise<unknown> => ((await call('GET', 'health-check'))[1] as { status: unknown }).status;
  const idle = (): Promise<unknown> => until(async () => (await health()) === 'READY', DEADLINE_MS, 'a free slot');
  /** Starts a prediction that runs until it is canceled. */
  async function runOn(more: object = {}): Promise<string> {
    const id = newId();
    expect(await put(id, { input: await host.runOn(), ...more }, ASYNC)).toEqual([202, { id, status: 'starting' }]);
    return id;
  }

  beforeAll(() => host.start());
  afterAll(() => host.stop());
  beforeEach(async () => {
    if (host === played) await sandbox.reset();
    await idle();
  });

  it('describes itself', async () => {
    expect(await call('GET', '')).toMatchObject([200, { predictions_idempotent_url: '/predictions/{prediction_id}' }]);
    expect(await call('GET', 'health-check')).toMatchObject([
      200,
      { status: 'READY', setup: { status: 'succeeded' }, version: { coglet: expect.any(String) } },
    ]);
    expect(await call('GET', 'openapi.json')).toMatchObject([
      200,
      { components: { schemas: { Input: { required: ['prompt'], properties: { seed: { type: 'integer' } } } } } },
    ]);
  });

  it('holds a prediction, and answers with its clip and its seconds of computing', async () => {
    const id = newId();
    const [status, body] = await put(id, { input: CUP });
    expect([status, body]).toEqual([
      200,
      {
        id,
        status: 'succeeded',
        output: expect.stringMatching(/^data:video\/mp4;/),
        logs: expect.any(String),
        metrics: { predict_time: expect.any(Number) },
      },
    ]);
    // The same id runs again after the end. The slot becomes free shortly after the answer.
    await idle();
    expect(await put(id, { input: CUP })).toMatchObject([200, { status: 'succeeded' }]);
    await idle();
    expect(await call('POST', 'predictions', { input: CUP })).toMatchObject([
      200,
      { id: expect.any(String), status: 'succeeded' },
    ]);
  });

  it('runs one prediction at a time, and knows it while it runs', async () => {
    const id = await runOn();
    expect(await health()).toBe('BUSY');
    // Without its input, and without the header.
    expect(await put(id, { input: {} })).toMatchObject([202, { id, status: 'processing' }]);
    expect(await put(newId(), { input: CUP })).toMatchObject([409, { status: 'failed', error: expect.any(String) }]);
    expect(await call('GET', `predictions/${id}`)).toEqual([405, '']);
    expect(await call('POST', `predictions/${id}/cancel`)).toEqual([200, {}]);
    await idle();
    expect(await call('POST', `predictions/${id}/cancel`)).toEqual([404, {}]);
    expect(await put(id, { input: {} })).toMatchObject([422, { detail: expect.any(Array) }]);
  });

  it('answers a held prediction that is canceled, and cancels one whose caller is gone', async () => {
    const id = newId();
    const input = await host.runOn();
    const held = put(id, { input });
    await until(async () => (await health()) === 'BUSY', DEADLINE_MS, 'the run');
    await call('POST', `predictions/${id}/cancel`);
    expect(await held).toMatchObject([200, { id, status: 'canceled', metrics: { predict_time: expect.any(Number) } }]);
    await idle();
    const caller = new AbortController();
    const dropped = fetch(`${host.url()}/predictions/${newId()}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: await host.runOn() }),
      signal: caller.signal,
    });
    await until(async () => (await health()) === 'BUSY', DEADLINE_MS, 'the run');
    caller.abort();
    await expect(dropped).rejects.toThrow();
    await idle();
  });

  it('refuses an input by the schema, and drops fields that it does not have', async () => {
    const detail = async (input: object): Promise<unknown> => (await put(newId(), { input }))[1];
    expect(await detail({})).toEqual({
      detail: [{ loc: ['body', 'input', 'prompt'], msg: 'Field required', type: 'value_error.missing' }],
    });
    expect(await detail({ prompt: 'a cup', seconds: 99 })).toMatchObject({
      detail: [{ loc: ['body', 'input', 'seconds'], type: 'value_error' }],
    });
    expect(await put(newId(), { input: CUP, id: 'another' })).toMatchObject([422, { detail: expect.any(Array) }]);
    expect(await put(newId(), { input: { ...CUP, clipmesh_key: 'k' } })).toMatchObject([200, { status: 'succeeded' }]);
  });

  it('answers the failure of a model with status 200', async () => {
    if (host === played) await sandbox.scenario({ ...FAST, rejectPrompts: 'forbidden' });
    expect(await put(newId(), { input: { ...CUP, prompt: 'a forbidden cup' } })).toMatchObject([
      200,
      {
        status: 'failed',
        error: 'Prediction failed: Prediction failed: ValueError: The prompt was flagged by the safety checker.',
        metrics: { predict_time: expect.any(Number) },
      },
    ]);
  });

  it('has no streams', async () => {
    const accept = { accept: 'text/event-stream' };
    expect(await put(newId(), { input: CUP }, accept)).toMatchObject([406, { error: expect.any(String) }]);
  });

  it('reports the start and the end to a webhook, without a signature', async () => {
    const receiver = await openReceiver();
    const id = newId();
    const webhook_events_filter = ['start', 'completed'];
    await put(id, { input: CUP, webhook: receiver.url, webhook_events_filter }, ASYNC);
    await until(() => receiver.calls.length >= 2, DEADLINE_MS, 'both reports');
    await receiver.close();
    const reports = receiver.calls.map(({ body }) => JSON.parse(body) as { status: string });
    expect(reports.find(({ status }) => status !== 'succeeded')).toMatchObject({ id, metrics: {} });
    expect(reports.find(({ status }) => status === 'succeeded')).toMatchObject({
      id,
      output: expect.stringMatching(/^data:video\/mp4;/),
      metrics: { predict_time: expect.any(Number) },
    });
    expect(
      Object.keys(receiver.calls[0]?.headers ?? {}).filter((name) => /signature|authorization/.test(name)),
    ).toEqual([]);
  });
});

describe('Cog servers of the sandbox', () => {
  beforeAll(() => played.start());
  afterAll(() => played.stop());
  beforeEach(() => sandbox.reset());
  const put = (input: object, key = newId()): Promise<Response> =>
    fetch(`${played.url()}/predictions/${key}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input }),
    });
  const lines = async () => (await sandbox.invoice()).predictions;

  it('charge every prediction what it ran, whatever its end', async () => {
    await sandbox.scenario({ ...FAST, rejectPrompts: 'forbidden', rejectOutputs: { prompts: 'bottle' }, failEvery: 3 });
    const key = newId();
    for (const prompt of ['a forbidden cup', 'a bottle', 'a cup', 'a cup']) {
      const { metrics } = (await (await put({ ...CUP, prompt }, key)).json()) as { metrics: { predict_time: number } };
      const line = (await lines()).at(-1);
      expect(metrics.predict_time).toBeGreaterThan(0);
      expect(line).toMatchObject({ provider: 'cog', model: MODEL, key });
      expect(Math.round((line?.amountUsd ?? 0) * 1e6)).toBe(Math.ceil(500 * metrics.predict_time));
    }
    expect((await lines()).map(({ status }) => status)).toEqual(['failed', 'failed', 'failed', 'succeeded']);
    expect(new Set((await lines()).map(({ id }) => id)).size).toBe(4);
  });

  it('lose replies and are not ready as the scenario says, and have no rate limit', async () => {
    await sandbox.scenario({ ...FAST, loseReplies: 1, rateLimit: { perMinute: 1, retryAfterSeconds: 60 } });
    for (const prompt of ['one', 'two']) await expect(put({ ...CUP, prompt })).rejects.toThrow();
    expect((await lines()).map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    await sandbox.scenario({ ...FAST, unavailableEvery: 1 });
    expect((await put(CUP)).status).toBe(503);
    expect(await lines()).toHaveLength(2);
  });

  it('exist for models with a price by the second of computing', async () => {
    const statusOf = async (path: string): Promise<number> => (await fetch(`${sandbox.url}/cog/${path}`)).status;
    expect(await statusOf(`${MODEL}/health-check`)).toBe(200);
    expect(await statusOf('google/veo-3.1/health-check')).toBe(404);
    expect(await statusOf('acme/none/health-check')).toBe(404);
    expect(await statusOf(`${MODEL}/nothing`)).toBe(404);
  });
});
