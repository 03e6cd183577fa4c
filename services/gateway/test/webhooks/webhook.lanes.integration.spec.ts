import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { GenerationCanceled, message } from '@clipmesh/contracts';
import { readBrokerState } from '@clipmesh/messaging';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startGateway, type TestGateway } from '../gateway.harness.js';

/** Timeout of a hanging test, ms. No test asserts a duration. */
const DEADLINE_MS = 600_000;
const ANN = { authorization: 'Bearer ann-key-0123456789' };
const BOB = { authorization: 'Bearer bob-key-0123456789' };
/** Slots of the gateway: fewer than the hanging deliveries. */
const SLOTS = 4;
const PER_ENDPOINT = 2;
const SCRAPER = { authorization: 'Bearer metrics-token-0123456789' };

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
let receiver: Server;
let base: string;
/** Paths of the calls, in order. */
let calls: string[] = [];
/** Open responses of hanging calls. */
let open: ServerResponse[] = [];
/** Paths that never get a response. */
const hanging = new Set<string>();
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-lanes');
  gateway = await startGateway(broker, folder.path, {
    METRICS_TOKEN: 'metrics-token-0123456789',
    API_KEYS: 'ann:ann-key-0123456789,bob:bob-key-0123456789',
    ALLOW_PRIVATE_URLS: 'true',
    // Longer than a test: hanging calls do not time out.
    WEBHOOK_TIMEOUT: '120',
    WEBHOOK_CONCURRENCY: String(SLOTS),
    WEBHOOK_ENDPOINT_CONCURRENCY: String(PER_ENDPOINT),
    WEBHOOK_OWNER_CONCURRENCY: '3',
    WEBHOOK_OWNER_WAITING: '60',
    WEBHOOK_WAIT_FIRST_SECONDS: '0.05',
    WEBHOOK_WAIT_MAX_SECONDS: '0.5',
    WEBHOOK_RETRY_FIRST_SECONDS: '0.05',
    WEBHOOK_RETRY_MAX_SECONDS: '0.1',
    WEBHOOK_CIRCUIT_OPEN_SECONDS: '0.05',
    WEBHOOK_CIRCUIT_MAX_SECONDS: '0.2',
  });
  receiver = createServer((request, response) => {
    request.resume().on('end', () => {
      const path = request.url ?? '';
      calls.push(path);
      if (hanging.has(path)) open.push(response);
      else response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
}, DEADLINE_MS);

afterEach(() => {
  hanging.clear();
  release();
  calls = [];
});

afterAll(async () => {
  await gateway.stop();
  receiver.closeAllConnections();
  receiver.close();
  await broker.stop();
  await folder.remove();
  expect(leaks()).toEqual([]);
}, DEADLINE_MS);

function release(): void {
  for (const response of open) response.writeHead(204).end();
  open = [];
}
const at = (path: string): number => calls.filter((call) => call === path).length;
const metric = async (outcome: string): Promise<number> => {
  const text = await (await gateway.call('/metrics', { headers: SCRAPER })).text();
  return Number(new RegExp(`clipmesh_webhook_calls_total\\{outcome="${outcome}"\\} (\\d+)`).exec(text)?.[1]);
};

/** Ends `count` generations of an owner with a webhook at `path`. */
async function endGenerations(count: number, headers: Record<string, string>, path: string): Promise<void> {
  const webhookUrl = `${base}${path}`;
  for (let n = 0; n < count; n += 1) {
    const created = await gateway.create({ webhookUrl }, headers);
    expect(created.status).toBe(202);
    const { id } = (await created.json()) as { id: string };
    const { state } = await gateway.change(id, { status: 'canceled' });
    const body = { generationId: id, at: new Date().toISOString(), charges: [], run: state.run };
    const progress = { stage: state.stage, progress: 9, scenes: [], costMicros: 0 };
    await gateway.runtime.publish([message(GenerationCanceled, { ...body, ...progress, status: 'canceled' })]);
  }
}

describe('a webhook that never answers', () => {
  it(
    'does not block other owners: their deliveries arrive while 60 deliveries wait for it',
    async () => {
      hanging.add('/hangs');
      await endGenerations(60, ANN, '/hangs');
      // Every waiting delivery has released its slot.
      await until(async () => (await metric('postponed')) >= 60 - PER_ENDPOINT, DEADLINE_MS, 'the others to wait');
      await endGenerations(20, BOB, '/well');
      await until(() => at('/well') === 20, DEADLINE_MS, 'all deliveries of the other owner');
      // None of the hanging calls has a response yet.
      expect([at('/hangs'), open.length]).toEqual([PER_ENDPOINT, PER_ENDPOINT]);
      const { inboxes } = await readBrokerState(gateway.runtime.connection);
      expect(inboxes.get('webhooks')?.pendingAck).toBe(60);

      // Waiting uses no try and loses nothing: all deliveries arrive once the endpoint answers.
      hanging.clear();
      release();
      await until(() => at('/hangs') === 60, DEADLINE_MS, 'the waiting deliveries');
      await until(
        async () => (await readBrokerState(gateway.runtime.connection)).inboxes.get('webhooks')?.pendingAck === 0,
        DEADLINE_MS,
        'the end of all deliveries',
      );
      expect((await readBrokerState(gateway.runtime.connection)).deadLetters).toBe(0);
    },
    2 * DEADLINE_MS,
  );

  it(
    'does not block other webhooks of its owner',
    async () => {
      const registered = await gateway.call('/v1/webhooks', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...ANN },
        body: JSON.stringify({ url: `${base}/registered` }),
      });
      expect(registered.status).toBe(201);
      const { id } = (await registered.json()) as { id: string };
      hanging.add('/hangs');
      await endGenerations(12, ANN, '/hangs');
      await until(() => at('/registered') === 12, DEADLINE_MS, 'the deliveries to the other webhook');
      expect(at('/hangs')).toBe(PER_ENDPOINT);
      expect((await gateway.call(`/v1/webhooks/${id}`, { method: 'DELETE', headers: ANN })).status).toBe(204);
    },
    2 * DEADLINE_MS,
  );

  it(
    'has a limited number of waiting deliveries: the others become dead letters',
    async () => {
      const state = () => readBrokerState(gateway.runtime.connection);
      const pendingAck = async () => (await state()).inboxes.get('webhooks')?.pendingAck;
      await until(async () => (await pendingAck()) === 0, DEADLINE_MS, 'the end of earlier deliveries');
      hanging.add('/bounded');
      await endGenerations(75, ANN, '/bounded');
      await until(async () => (await state()).deadLetters === 75 - 60 - PER_ENDPOINT, DEADLINE_MS, 'the dead letters');
      expect(await pendingAck()).toBe(60 + PER_ENDPOINT);
      await endGenerations(5, BOB, '/well');
      await until(() => at('/well') === 5, DEADLINE_MS, 'all deliveries of the other owner');
      hanging.clear();
      release();
      await until(() => at('/bounded') === 60 + PER_ENDPOINT, DEADLINE_MS, 'the waiting deliveries');
    },
    2 * DEADLINE_MS,
  );

  it(
    'cannot use the slots of other owners, even with many webhooks',
    async () => {
      const hooks = await Promise.all(
        ['/a', '/b', '/c', '/d'].map(async (path) => {
          hanging.add(path);
          const answer = await gateway.call('/v1/webhooks', {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...ANN },
            body: JSON.stringify({ url: `${base}${path}` }),
          });
          return (await answer.json()) as { id: string };
        }),
      );
      await endGenerations(10, ANN, '/e');
      await endGenerations(10, BOB, '/well');
      await until(() => at('/well') === 10, DEADLINE_MS, 'all deliveries of the other owner');
      // The limit of the owner, over all webhooks.
      expect(open.length).toBeLessThanOrEqual(3);
      for (const { id } of hooks) await gateway.call(`/v1/webhooks/${id}`, { method: 'DELETE', headers: ANN });
    },
    2 * DEADLINE_MS,
  );
});
