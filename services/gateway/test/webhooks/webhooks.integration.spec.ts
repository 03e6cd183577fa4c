import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { GenerationCanceled, GenerationProgressed, message } from '@clipmesh/contracts';
import { readBrokerState } from '@clipmesh/messaging';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { isStandardSigned } from '@clipmesh/providers';
import { DEADLINE_MS, problem, startGateway, type TestGateway } from '../gateway.harness.js';

interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface Registered {
  readonly id: string;
  readonly secret: string;
}

const ANN = { authorization: 'Bearer ann-key-0123456789' };
const BOB = { authorization: 'Bearer bob-key-0123456789' };
const SECRET = `whsec_${Buffer.from('the secret of this deployment').toString('base64')}`;
const SCRAPER = { authorization: 'Bearer metrics-token-0123456789' };
/** Few tries with short delays, so that a test sees the last one. */
const ENV = {
  METRICS_TOKEN: 'metrics-token-0123456789',
  API_KEYS: 'ann:ann-key-0123456789,bob:bob-key-0123456789',
  ALLOW_PRIVATE_URLS: 'true',
  WEBHOOK_SECRET: SECRET,
  WEBHOOK_TIMEOUT: '8',
  WEBHOOK_ATTEMPTS: '3',
  WEBHOOK_RETRY_FIRST_SECONDS: '0.02',
  WEBHOOK_RETRY_MAX_SECONDS: '0.05',
  WEBHOOK_CIRCUIT_OPEN_SECONDS: '0.02',
  WEBHOOK_CIRCUIT_MAX_SECONDS: '0.05',
  WEBHOOK_WAIT_FIRST_SECONDS: '0.02',
  WEBHOOK_WAIT_MAX_SECONDS: '0.05',
  WEBHOOKS_PER_OWNER: '3',
};

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
let receiver: Server;
let base: string;
let calls: Call[] = [];
/** Responses of the receiver, by path. 'never': no response. */
const answers = new Map<string, (number | 'never')[]>();
const logged: string[] = [];
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-webhooks');
  gateway = await startGateway(broker, folder.path, { ...ENV, LOG_LEVEL: 'info' }, (line) => logged.push(line));
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const path = request.url ?? '';
      calls.push({ path, headers: request.headers, body });
      const [next = 204, ...rest] = answers.get(path) ?? [];
      if (rest.length > 0) answers.set(path, rest);
      if (next === 'never') return;
      response.writeHead(next, { location: `${base}/elsewhere` }).end('a body that the gateway does not read');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await gateway.stop();
  receiver.closeAllConnections();
  receiver.close();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
});

beforeEach(() => {
  calls = [];
  answers.clear();
});

const at = (path: string): Call[] => calls.filter((call) => call.path === path);
const received = async (path: string, times = 1): Promise<Call[]> => {
  await until(() => at(path).length >= times, DEADLINE_MS, `${times} calls of ${path}`);
  return at(path);
};
const register = (body: object, headers = ANN): Promise<Response> =>
  gateway.call('/v1/webhooks', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const registered = async (path: string, events?: string[]): Promise<Registered> => {
  const answer = await register({ url: `${base}${path}`, ...(events === undefined ? {} : { events }) });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Registered;
};
const remove = async ({ id }: Registered): Promise<number> =>
  (await gateway.call(`/v1/webhooks/${id}`, { method: 'DELETE', headers: ANN })).status;
const created = async (body: object = {}): Promise<string> => {
  const answer = await gateway.create({ ...body }, ANN);
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { id: string }).id;
};
const signedBy = ({ headers, body }: Call, secret: string): boolean =>
  isStandardSigned(
    {
      id: headers['webhook-id'] as string | undefined,
      timestamp: headers['webhook-timestamp'] as string | undefined,
      signature: headers['webhook-signature'] as string | undefined,
      body: Buffer.from(body),
    },
    secret,
  );
interface OwnSecret {
  readonly secret: string;
  readonly version: number;
  readonly formerSignsUntil?: string;
}
const secretOf = async (headers: Record<string, string>): Promise<OwnSecret> => {
  const answer = await gateway.call('/v1/webhooks/secret', { headers });
  expect(answer.status).toBe(200);
  return (await answer.json()) as OwnSecret;
};
const deadLetters = async (): Promise<number> => (await readBrokerState(gateway.runtime.connection)).deadLetters;

describe('registered webhooks', () => {
  it('are registered, listed, read and deleted by their owner only; the secret is returned once', async () => {
    const hook = await registered('/own', ['generation.succeeded']);
    expect(hook).toMatchObject({ id: expect.stringMatching(/^wh_/), secret: expect.stringMatching(/^whsec_/) });
    const shown = { id: hook.id, url: `${base}/own`, events: ['generation.succeeded'], createdAt: expect.any(String) };
    const read = (headers: Record<string, string>): Promise<Response> =>
      gateway.call(`/v1/webhooks/${hook.id}`, { headers });
    expect(await (await read(ANN)).json()).toEqual(shown);
    expect(await (await gateway.call('/v1/webhooks', { headers: ANN })).json()).toEqual({ webhooks: [shown] });
    expect(await (await gateway.call('/v1/webhooks', { headers: BOB })).json()).toEqual({ webhooks: [] });
    expect(await problem(await read(BOB))).toMatchObject({ status: 404, code: 'WEBHOOK_NOT_FOUND' });
    expect((await gateway.call('/v1/webhooks')).status).toBe(401);
    expect((await gateway.call(`/v1/webhooks/${hook.id}`, { method: 'DELETE', headers: BOB })).status).toBe(404);
    expect(await remove(hook)).toBe(204);
    expect(await remove(hook)).toBe(404);
  });

  it.each([
    ['no URL', {}, /url/],
    ['another protocol', { url: 'ftp://a.example' }, /https/],
    ['a password', { url: 'https://a:b@a.example' }, /password/],
    ['no event', { url: 'https://a.example', events: [] }, /events/],
    ['an event twice', { url: 'https://a.example', events: ['generation.failed', 'generation.failed'] }, /twice/],
    ['an unknown event', { url: 'https://a.example', events: ['clip.generated'] }, /events/],
    ['an unknown field', { url: 'https://a.example', secret: 'mine' }, /secret/],
  ])('are rejected with %s', async (_what, body, detail) => {
    const refused = await problem(await register(body));
    expect(refused).toMatchObject({ status: 400, code: 'INVALID_REQUEST', detail: expect.stringMatching(detail) });
  });

  it('are limited per owner, also for concurrent requests', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => register({ url: 'https://a.example' }, BOB)));
    expect(all.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
    const refused = all.find(({ status }) => status === 409);
    expect(await problem(refused as Response)).toMatchObject({ code: 'TOO_MANY_WEBHOOKS' });
  });

  it('get the events they subscribe to, signed, with the generation as the API returns it', async () => {
    const all = await registered('/all');
    const failures = await registered('/failures', ['generation.failed']);
    const id = await created();
    await gateway.succeed(id);
    const [call] = await received('/all');
    expect(call && signedBy(call, all.secret)).toBe(true);
    expect(call && signedBy(call, failures.secret)).toBe(false);
    expect(call?.headers).not.toHaveProperty('traceparent');
    const { type, timestamp, data } = JSON.parse(call?.body ?? '{}') as Record<string, unknown>;
    const read = await gateway.call(`/v1/generations/${id}`, { headers: ANN });
    expect({ type, data }).toEqual({ type: 'generation.succeeded', data: await read.json() });
    expect(Date.parse(String(timestamp))).toBeLessThanOrEqual(Date.now());
    expect(at('/failures')).toEqual([]);
    expect([await remove(all), await remove(failures)]).toEqual([204, 204]);
  });

  it('are removed after a 410; redirects are not followed, and the last failed try is a dead letter', async () => {
    const gone = await registered('/gone');
    const moved = await registered('/moved');
    answers.set('/gone', [410]);
    answers.set('/moved', [307]);
    const before = await deadLetters();
    await gateway.succeed(await created());
    await until(async () => (await deadLetters()) === before + 1, DEADLINE_MS, 'a dead letter');
    expect(at('/moved')).toHaveLength(3);
    expect(at('/elsewhere')).toEqual([]);
    expect(new Set(at('/moved').map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    await until(
      async () => (await gateway.call(`/v1/webhooks/${gone.id}`, { headers: ANN })).status === 404,
      DEADLINE_MS,
      'the removal of the webhook',
    );
    expect(at('/gone')).toHaveLength(1);
    expect(await remove(moved)).toBe(204);
  });
});

describe('the webhookUrl of a generation', () => {
  it('is retried until it accepts the event, also after a timeout, and never appears in responses or logs', async () => {
    const path = '/mine?key=very-secret';
    const { secret: bobs } = await secretOf(BOB);
    answers.set(path, [500, 'never', 204]);
    const id = await created({ webhookUrl: `${base}${path}` });
    await gateway.succeed(id);
    const tries = await received(path, 3);
    expect(new Set(tries.map(({ headers, body }) => `${String(headers['webhook-id'])} ${body}`)).size).toBe(1);
    const { secret } = await secretOf(ANN);
    expect(tries.every((call) => signedBy(call, secret))).toBe(true);
    // Neither the secret of the deployment nor that of another owner signs it.
    expect(tries.some((call) => signedBy(call, SECRET))).toBe(false);
    expect(tries.some((call) => signedBy(call, bobs))).toBe(false);
    expect(await (await gateway.call(`/v1/generations/${id}`, { headers: ANN })).text()).not.toContain('very-secret');
    await until(
      async () => (await (await gateway.call('/metrics', { headers: SCRAPER })).text()).includes('{outcome="taken"}'),
      DEADLINE_MS,
      'the metric',
    );
    await until(() => logged.some((line) => line.includes('"verdict":"taken"')), DEADLINE_MS, 'its log line');
    expect(logged.join('')).not.toContain('very-secret');
  });

  it('gets a cancel and a plan that waits for approval, once for repeated events', async () => {
    const id = await created({ webhookUrl: `${base}/steps` });
    const { state } = await gateway.change(id, { status: 'awaiting_approval' });
    const step = (status: 'awaiting_approval' | 'canceled') => ({
      ...{ generationId: id, at: new Date().toISOString(), charges: [], run: state.run, status },
      ...{ stage: state.stage, progress: 9, scenes: [], costMicros: 0 },
    });
    const { publish, cancellations } = gateway.runtime;
    await publish([message(GenerationProgressed, { ...step('awaiting_approval'), cause: 'a' })]);
    await publish([message(GenerationProgressed, { ...step('awaiting_approval'), cause: 'b' })]);
    await received('/steps');
    await cancellations.request(id);
    await gateway.change(id, { status: 'canceled' });
    await publish([message(GenerationCanceled, step('canceled'))]);
    await received('/steps', 2);
    expect(at('/steps').map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual([
      'generation.awaiting_approval',
      'generation.canceled',
    ]);
  });

  it('is signed with a secret of the owner, who can rotate it without a gap', async () => {
    const first = await secretOf(ANN);
    expect(first).toEqual({ secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/), version: 1 });
    const rotated = await gateway.call('/v1/webhooks/secret/rotate', { method: 'POST', headers: ANN });
    expect(rotated.status).toBe(200);
    const second = (await rotated.json()) as OwnSecret;
    expect(second).toMatchObject({ version: 2, formerSignsUntil: expect.any(String) });
    expect(await secretOf(ANN)).toEqual(second);
    // A rotation during the overlap would invalidate the secret that the receiver still uses.
    const again = await Promise.all(
      [1, 2].map(() => gateway.call('/v1/webhooks/secret/rotate', { method: 'POST', headers: ANN })),
    );
    for (const answer of again) expect([answer.status, await answer.json()]).toEqual([200, second]);
    // Registered webhooks are signed with their own secrets.
    const hook = await registered('/registered');
    expect(await secretOf(ANN)).toEqual(second);
    await gateway.succeed(await created({ webhookUrl: `${base}/rotated` }));
    const [call] = await received('/rotated');
    const [own] = await received('/registered');
    if (call === undefined || own === undefined) throw new Error('expected two calls');
    expect([first, second].map(({ secret }) => signedBy(call, secret))).toEqual([true, true]);
    expect([hook.secret, second.secret].map((secret) => signedBy(own, secret))).toEqual([true, false]);
    expect((await secretOf(BOB)).version).toBe(1);
    expect((await gateway.call('/v1/webhooks/secret')).status).toBe(401);
    expect(await remove(hook)).toBe(204);
  });

  it('has no secret to read without a secret of the deployment', async () => {
    const { WEBHOOK_SECRET: _none, ...env } = ENV;
    const unsigned = await startGateway(broker, folder.path, env);
    try {
      for (const [path, method] of [
        ['/v1/webhooks/secret', 'GET'],
        ['/v1/webhooks/secret/rotate', 'POST'],
      ] as const) {
        const refused = await problem(await unsigned.call(path, { method, headers: ANN }));
        expect(refused).toMatchObject({ status: 404, code: 'WEBHOOK_SECRET_NOT_SET' });
      }
    } finally {
      await unsigned.stop();
    }
  });

  it('is rejected when it is private and private URLs are not allowed', async () => {
    const closed = await startGateway(broker, folder.path, { ...ENV, ALLOW_PRIVATE_URLS: 'false' });
    try {
      const plain = await closed.create({ webhookUrl: `${base}/inside` }, ANN);
      expect(await problem(plain)).toMatchObject({
        status: 400,
        detail: expect.stringMatching(/webhookUrl: only https/),
      });
    } finally {
      await closed.stop();
    }
  });
});
