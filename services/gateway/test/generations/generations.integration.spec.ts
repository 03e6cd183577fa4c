import { createGenerationSchema } from '@clipmesh/contracts';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fingerprintOf } from '../../src/http/idempotency.js';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder } from '@clipmesh/testing';
import { parseEvents, problem, PROMPT, rawCall, startGateway, type TestGateway } from '../gateway.harness.js';

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
let keyed: TestGateway;
const leaks = leakCheck();
const ANN = { authorization: 'Bearer ann-key-0123456789' };
const BOB = { authorization: 'Bearer bob-key-0123456789' };

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway');
  gateway = await startGateway(broker, folder.path, { REQUEST_BODY_LIMIT_MB: '1' });
  keyed = await startGateway(broker, folder.path, {
    API_KEYS: 'ann:ann-key-0123456789,bob:bob-key-0123456789',
  });
});

afterAll(async () => {
  await gateway.stop();
  await keyed.stop();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

describe('create', () => {
  it('stores the generation, publishes its first command and returns its location', async () => {
    const response = await gateway.create({ seed: 7, metadata: { campaign: 'spring' } });
    expect(response.status).toBe(202);
    const body = (await response.json()) as { id: string; status: string; links: Record<string, string> };
    expect(body.status).toBe('queued');
    expect(response.headers.get('location')).toBe(`/v1/generations/${body.id}`);
    const read = await gateway.call(response.headers.get('location') ?? '');
    expect(await read.json()).toMatchObject({
      id: body.id,
      status: 'queued',
      progress: 0,
      scenes: [],
      costUsd: 0,
      metadata: { campaign: 'spring' },
      links: { self: `/v1/generations/${body.id}` },
    });
    const connection = await broker.connect();
    const stored = await connection.request(
      '$JS.API.STREAM.MSG.GET.GENERATION_PLAN',
      JSON.stringify({ last_by_subj: `generation.plan.${body.id}` }),
    );
    const { message } = stored.json<{ message: { data: string } }>();
    expect(JSON.parse(Buffer.from(message.data, 'base64').toString())).toMatchObject({
      body: { generationId: body.id, attempt: 1, job: { prompt: PROMPT, seed: 7, window: 4 } },
    });
  });

  it.each([
    ['nothing', {}, 'prompt'],
    ['a short prompt', { prompt: 'too short' }, 'prompt'],
    ['a long prompt', { prompt: 'x'.repeat(5001) }, 'prompt'],
    ['a number as prompt', { prompt: 7 }, 'prompt'],
    ['a control character', { prompt: `${PROMPT}\u0000` }, 'prompt'],
    ['an unpaired surrogate', { prompt: `${PROMPT}\ud83c` }, 'prompt'],
    ['metadata with an unpaired surrogate', { prompt: PROMPT, metadata: { a: '\udf7f' } }, 'metadata'],
    ['a long video', { prompt: PROMPT, durationSeconds: 61 }, 'durationSeconds'],
    ['half a second', { prompt: PROMPT, durationSeconds: 9.5 }, 'durationSeconds'],
    ['an unknown ratio', { prompt: PROMPT, aspectRatio: '4:3' }, 'aspectRatio'],
    ['too many workers', { prompt: PROMPT, parallel: { maxWorkers: 99 } }, 'parallel.maxWorkers'],
    ['a misspelled field', { prompt: PROMPT, promt: 'x' }, 'body'],
    ['metadata of another type', { prompt: PROMPT, metadata: { a: {} } }, 'metadata.a'],
    ['an unknown model', { prompt: PROMPT, model: 'google/veo-4' }, 'model'],
    ['a webhook on this machine', { prompt: PROMPT, webhookUrl: 'https://127.0.0.1/hook' }, 'webhookUrl'],
    ['a webhook in a private network', { prompt: PROMPT, webhookUrl: 'https://nas.local/hook' }, 'webhookUrl'],
    ['empty music', { prompt: PROMPT, music: { data: 'data:audio/mpeg;base64,' } }, 'music.data'],
  ])('rejects %s and names the field', async (_what, body, field) => {
    const response = await gateway.call('/v1/generations', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({
      code: 'INVALID_REQUEST',
      detail: expect.stringContaining(`${field}: `),
      errors: expect.arrayContaining([expect.objectContaining({ field })]),
    });
  });

  it.each([
    ['promt', 'unknown field promt; did you mean prompt?'],
    ['duration', 'did you mean durationSeconds?'],
  ])('suggests a field for %s', async (name, words) => {
    const { errors } = await problem(await gateway.create({ [name]: 12 }));
    expect(errors).toEqual([{ field: 'body', message: expect.stringContaining(words) }]);
  });

  it('reports the position of a JSON error', async () => {
    const body = '{\n  "prompt": "A kettle that sings.",\n}';
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    expect((await problem(await gateway.call('/v1/generations', init)))['errors']).toEqual([
      { field: 'body', message: 'not JSON: line 3, column 1: } where a field name in double quotes is expected' },
    ]);
  });

  it.each([
    ['GET', '/v1/generations/%E0%A4%A', 'path'],
    ['GET', '/v1/generations?status=faild&limit=0&after=x', 'status'],
    ['GET', '/v1/usage?from=today', 'from'],
    ['GET', '/v1/usage?from=2026-01-01&from=2026-01-02', 'from'],
    ['GET', '/v1/usage?form=2026-01-01', 'form'],
  ])('names the invalid part of %s %s', async (method, path, field) => {
    const refused = await problem(await gateway.call(path, { method }));
    expect(refused).toMatchObject({
      status: 400,
      errors: expect.arrayContaining([expect.objectContaining({ field })]),
    });
  });

  it('keeps markup, quotes and other scripts of a prompt unchanged', async () => {
    const prompt = `'; DROP TABLE x; -- <script>alert(1)</script> %{x} $(rm) שלום 🎬 \\n`;
    const response = await gateway.create({ prompt });
    const { id } = (await response.json()) as { id: string };
    expect((await gateway.stores.generations.get(id))?.value.state.job.prompt).toBe(prompt);
  });

  it.each([
    ['{"prompt": ', 'application/json', 400, 'INVALID_REQUEST'],
    ['[]', 'application/json', 400, 'INVALID_REQUEST'],
    ['null', 'application/json', 400, 'INVALID_REQUEST'],
    [Buffer.from(`{"prompt":"${PROMPT} caf\u00e9"}`, 'latin1'), 'application/json', 400, 'INVALID_REQUEST'],
    ['{}', 'application/json; charset=latin1', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['prompt=x', 'application/x-www-form-urlencoded', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [JSON.stringify({ prompt: PROMPT }), 'text/plain', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [JSON.stringify({ prompt: 'x'.repeat(1_100_000) }), 'application/json', 413, 'BODY_TOO_LARGE'],
  ])('with the body %.20s as %s returns %i', async (body, type, status, code) => {
    const response = await gateway.call('/v1/generations', { method: 'POST', headers: { 'content-type': type }, body });
    expect(response.status).toBe(status);
    expect(await problem(response)).toMatchObject({ code });
  });

  it.each(['application/json; charset=UTF-8', 'Application/JSON;charset="UTF-8"', 'application/problem+json'])(
    'reads a body of type %s',
    async (type) => {
      const body = JSON.stringify({ prompt: PROMPT });
      const init = { method: 'POST', headers: { 'content-type': type }, body };
      expect((await gateway.call('/v1/estimates', init)).status).toBe(200);
    },
  );

  it('returns a problem for an unknown path', async () => {
    const response = await gateway.call('/v1/nothing');
    expect(response.status).toBe(404);
    expect(await problem(response)).toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each([
    ['PUT', '/v1/generations', 'GET, HEAD, POST'],
    ['DELETE', '/v1/generations/nothing/cancel', 'POST'],
    ['POST', '/v1/usage', 'GET, HEAD'],
    ['GET', '/v1/webhooks/nothing/else', undefined],
    ['PATCH', '/v1/generations/nothing/plan/x', undefined],
    ['GET', '/v1/estimates/', 'POST'],
    ['OPTIONS', '/v1/models', 'GET, HEAD'],
  ])('for %s %s returns the allowed methods: %s', async (method, path, allow) => {
    const response = await gateway.call(path, { method });
    expect(response.headers.get('allow')).toBe(allow ?? null);
    const [status, code] = allow === undefined ? [404, 'NOT_FOUND'] : [405, 'METHOD_NOT_ALLOWED'];
    expect(await problem(response)).toMatchObject({ status, code });
  });

  it.each(['/v1/generations?state=failed', '/v1/usage?since=2026-01-01', '/v1/generations?limit=3&Limit=4'])(
    'rejects the unknown parameter of %s',
    async (path) => {
      const refused = await problem(await gateway.call(path));
      expect(refused).toMatchObject({ status: 400, detail: expect.stringMatching(/unknown parameter/) });
    },
  );
});

describe('Idempotency-Key', () => {
  it('returns the first response for the same body, and creates one generation for concurrent requests', async () => {
    const key = { 'idempotency-key': 'spring-1' };
    const first = await gateway.create({}, key);
    const answer: unknown = await first.json();
    const again = await Promise.all(Array.from({ length: 5 }, () => gateway.create({}, key)));
    for (const response of again) {
      expect(response.status).toBe(202);
      expect(response.headers.get('idempotency-replayed')).toBe('true');
      expect(await response.json()).toEqual(answer);
    }
  });

  it('returns the current status and links to a repeated request', async () => {
    const key = { 'idempotency-key': 'spring-2' };
    const id = await gateway.created(key);
    await gateway.change(id, { status: 'canceled' });
    const again = (await (await gateway.create({}, key)).json()) as { status: string; links: object };
    expect(again).toMatchObject({ id, status: 'canceled' });
    expect(again.links).not.toHaveProperty('cancel');
  });

  it('compares bodies as values', async () => {
    const call = async (body: string): Promise<[number, unknown]> => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': 'values' };
      const response = await gateway.call('/v1/generations', { method: 'POST', headers, body });
      return [response.status, ((await response.json()) as { id?: string }).id];
    };
    const first = await call(`{"prompt":"${PROMPT}","metadata":{"a":"1","b":"2"}}`);
    expect(first[0]).toBe(202);
    expect(await call(`{"metadata":{"b":"2","\\u0061":"1"},"durationSeconds":15.0,"prompt":"${PROMPT}"}`)).toEqual(
      first,
    );
    expect((await call(`{"prompt":"${PROMPT}","metadata":{"a":"1","b":"3"}}`))[0]).toBe(422);
  });

  it('creates one generation for concurrent requests: the others get a 409 or the same response', async () => {
    const before = (await gateway.stores.generations.list({ limit: 1000 })).length;
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => gateway.create({}, { 'idempotency-key': 'burst' })),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses).toContain(202);
    expect(statuses.filter((status) => status !== 202 && status !== 409)).toEqual([]);
    expect(await gateway.stores.generations.list({ limit: 1000 })).toHaveLength(before + 1);
  });

  it('rejects another body with a 422, and separates the keys of owners', async () => {
    const key = { 'idempotency-key': 'summer' };
    const first = await keyed.created({ ...ANN, ...key });
    const other = await keyed.create({ durationSeconds: 30 }, { ...ANN, ...key });
    expect(other.status).toBe(422);
    expect(await problem(other)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', retryable: false });
    expect(await keyed.created({ ...BOB, ...key })).not.toBe(first);
  });

  it('returns a 409 while the first request is in flight, and takes over an abandoned claim', async () => {
    const fingerprint = fingerprintOf(createGenerationSchema.parse({ prompt: PROMPT }));
    const idAt = (ms: number): string => `gen_${ms.toString(16).padStart(12, '0')}${'7'.repeat(20)}`;
    await gateway.stores.idempotency.claim('local:young', fingerprint, idAt(Date.now() + 60_000));
    const young = await gateway.create({}, { 'idempotency-key': 'young' });
    expect(young.status).toBe(409);
    expect(young.headers.get('retry-after')).toBe('1');
    expect(await problem(young)).toMatchObject({ code: 'IDEMPOTENCY_KEY_IN_FLIGHT', retryable: true });
    const left = idAt(Date.now() - 60_000);
    await gateway.stores.idempotency.claim('local:left', fingerprint, left);
    expect(await gateway.created({ 'idempotency-key': 'left' })).toBe(left);
  });

  it('is not used up by a rejected request', async () => {
    const key = { 'idempotency-key': 'autumn' };
    expect((await gateway.create({ model: 'acme/none' }, key)).status).toBe(400);
    expect((await gateway.create({}, key)).status).toBe(202);
    expect((await gateway.create({}, { 'idempotency-key': 'x'.repeat(201) })).status).toBe(400);
  });
});

describe('owners', () => {
  it('see only their own generations', async () => {
    const id = await keyed.created(ANN);
    await keyed.succeed(id);
    const paths = ['', '/events', '/video', '/thumbnail', '/cost', '/performance'];
    for (const path of paths) {
      const response = await keyed.call(`/v1/generations/${id}${path}`, { headers: BOB });
      expect([path, response.status]).toEqual([path, 404]);
      expect(await problem(response)).toMatchObject({ code: 'GENERATION_NOT_FOUND' });
    }
    for (const act of ['cancel', 'retry'])
      expect((await keyed.call(`/v1/generations/${id}/${act}`, { method: 'POST', headers: BOB })).status).toBe(404);
    const listed = (await (await keyed.call('/v1/generations?limit=100', { headers: BOB })).json()) as {
      generations: { id: string }[];
    };
    expect(listed.generations.map((entry) => entry.id)).not.toContain(id);
    expect((await keyed.call(`/v1/generations/${id}`, { headers: ANN })).status).toBe(200);
  });

  it.each(['POST /v1/generations', 'POST /v1/estimates', 'GET /healthz'])(
    'must authenticate before their body is read at %s',
    async (call) => {
      const socket = connect(keyed.port, '127.0.0.1');
      const answered = once(socket, 'data', { signal: AbortSignal.timeout(120_000) });
      socket.write(`${call} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n{`);
      expect(String((await answered.finally(() => socket.destroy()))[0])).toContain('401 Unauthorized');
    },
  );

  it.each([undefined, 'Bearer wrong', 'Basic YW5uOng=', 'Bearer '])('get a 401 for %s', async (authorization) => {
    const response = await keyed.call(
      '/v1/generations',
      authorization === undefined ? {} : { headers: { authorization } },
    );
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await problem(response)).toMatchObject({ code: 'UNAUTHORIZED' });
  });
});

describe('list', () => {
  it('returns pages from the newest, filters by status, and links to the next page', async () => {
    const owner = { authorization: 'Bearer bob-key-0123456789' };
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await keyed.created(owner));
    await keyed.change(ids[1] ?? '', { status: 'failed' });
    const page = async (query: string): Promise<{ ids: string[]; next?: string }> => {
      const response = await keyed.call(`/v1/generations?${query}`, { headers: owner });
      const body = (await response.json()) as { generations: { id: string }[]; next?: string };
      return { ids: body.generations.map(({ id }) => id), ...(body.next === undefined ? {} : { next: body.next }) };
    };
    const first = await page('limit=2');
    expect(first).toEqual({ ids: [ids[4], ids[3]], next: ids[3] });
    expect((await page(`limit=2&after=${first.next ?? ''}`)).ids).toEqual([ids[2], ids[1]]);
    expect(await page('status=failed')).toEqual({ ids: [ids[1]] });
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'limit=',
    'limit=1&limit=2',
    'status=done',
    'status=failed&status=failed',
    'after=1',
  ])('rejects %s', async (query) => {
    const response = await gateway.call(`/v1/generations?${query}`);
    expect(response.status).toBe(400);
    expect(await problem(response)).toMatchObject({ detail: expect.stringContaining(query.split('=')[0] ?? '') });
  });
});

describe('cancel', () => {
  it('sets the flag and publishes one event', async () => {
    const id = await gateway.created();
    const cancel = (): Promise<Response> => gateway.call(`/v1/generations/${id}/cancel`, { method: 'POST' });
    expect([(await cancel()).status, (await cancel()).status]).toEqual([202, 202]);
    expect(gateway.runtime.cancellations.isCanceled(id)).toBe(true);
    await gateway.succeed(id);
    const text = await (await gateway.call(`/v1/generations/${id}/events`)).text();
    expect(parseEvents(text).map(({ event }) => event)).toEqual(['cancel.requested', 'generation.succeeded']);
    const late = await cancel();
    expect(late.status).toBe(409);
    expect(await problem(late)).toMatchObject({ code: 'ALREADY_FINISHED', retryable: false });
  });

  it.each(['gen_0', `gen_${'f'.repeat(32)}`, '..%2f..%2fetc'])('returns a 404 for %s', async (id) => {
    const response = await gateway.call(`/v1/generations/${id}/cancel`, { method: 'POST' });
    expect(response.status).toBe(404);
    await problem(response);
  });
});

describe('without keys', () => {
  it.each([
    [{ host: 'evil.example' }, 421],
    [{ host: 'localhost.evil.example:80' }, 421],
    [{ host: 'localhost:8080' }, 200],
    [{ host: '[::1]:8080' }, 200],
    [{ host: '127.0.0.1', origin: 'https://evil.example' }, 403],
    [{ host: '127.0.0.1', origin: 'null' }, 403],
    [{ host: '127.0.0.1', origin: 'http://localhost:5173' }, 200],
  ])('%j gets %i', async (headers, status) => {
    const answer = await rawCall(gateway.port, '/v1/generations', { headers });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toHaveProperty(status === 200 ? 'generations' : 'code');
  });

  it('does not start on a public address', async () => {
    await expect(startGateway(broker, folder.path, { GATEWAY_HOST: '0.0.0.0' })).rejects.toThrow(
      'GATEWAY_HOST is 0.0.0.0, which other machines can reach, and API_KEYS is empty',
    );
  });
});
