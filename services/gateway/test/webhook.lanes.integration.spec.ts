import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { GenerationCanceled, message } from '@clipmesh/contracts';
import { readBrokerState } from '@clipmesh/messaging';
import { type Broker, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startGateway, type TestGateway } from './gateway.harness.js';

/** Ends a test that hangs; nothing is asserted about time, ms. */
const DEADLINE_MS = 120_000;
const ANN = { authorization: 'Bearer ann-key-0123456789' };
const BOB = { authorization: 'Bearer bob-key-0123456789' };
/** All slots of the gateway: fewer than the deliveries that hang. */
const SLOTS = 4;
const PER_ENDPOINT = 2;
const SCRAPER = { authorization: 'Bearer metrics-token-0123456789' };

let broker: Broker;
let folder: TempFolder;
let gateway: TestGateway;
let receiver: Server;
let base: string;
/** Calls by path, in the order in which they came. */
let calls: string[] = [];
/** Calls that have no answer yet. */
let held: ServerResponse[] = [];
/** Paths whose calls are not answered. */
const hanging = new Set<string>();
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  folder = await tempFolder('gateway-lanes');
  gateway = await startGateway(broker, folder.path, {
    METRICS_TOKEN: 'metrics-token-0123456789',
    API_KEYS: 'ann:ann-key-0123456789,bob:bob-key-0123456789',
    ALLOW_PRIVATE_URLS: 'true',
    // Nothing that hangs ends by itself while a test runs.
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
      if (hanging.has(path)) held.push(response);
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
  for (const response of held) response.writeHead(204).end();
  held = [];
}
const at = (path: string): number => calls.filter((call) => call === path).length;
const metric = async (outcome: string): Promise<number> => {
  const text = await (await gateway.call('/metrics', { headers: SCRAPER })).text();
  return Number(new RegExp(`clipmesh_webhook_calls_total\\{outcome="${outcome}"\\} (\\d+)`).exec(text)?.[1]);
};

/** So many generations of an owner end; each delivery goes to one path. */
async function ends(count: number, headers: Record<string, string>, path: string): Promise<void> {
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
    'holds up no other owner: with 60 deliveries waiting for it, all of the other arrive first',
    async () => {
      hanging.add('/hangs');
      await ends(60, ANN, '/hangs');
      // Every delivery that waits has been in a slot once, and has left it.
      await until(async () => (await metric('postponed')) >= 60 - PER_ENDPOINT, DEADLINE_MS, 'the others to wait');
      await ends(20, BOB, '/well');
      await until(() => at('/well') === 20, DEADLINE_MS, 'all deliveries of the other owner');
      // Not one of the calls that hang had an answer by then.
      expect([at('/hangs'), held.length]).toEqual([PER_ENDPOINT, PER_ENDPOINT]);
      const { inboxes } = await readBrokerState(gateway.runtime.connection);
      expect(inboxes.get('webhooks')?.inHand).toBe(60);

      // Waiting has used up no try, and nothing is lost: all arrive once it answers.
      hanging.clear();
      release();
      await until(() => at('/hangs') === 60, DEADLINE_MS, 'the deliveries that waited');
      await until(
        async () => (await readBrokerState(gateway.runtime.connection)).inboxes.get('webhooks')?.inHand === 0,
        DEADLINE_MS,
        'the end of all deliveries',
      );
      expect((await readBrokerState(gateway.runtime.connection)).deadLetters).toBe(0);
    },
    2 * DEADLINE_MS,
  );

  it(
    'does not hold up the other webhooks of its own owner',
    async () => {
      const registered = await gateway.call('/v1/webhooks', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...ANN },
        body: JSON.stringify({ url: `${base}/registered` }),
      });
      expect(registered.status).toBe(201);
      const { id } = (await registered.json()) as { id: string };
      hanging.add('/hangs');
      await ends(12, ANN, '/hangs');
      await until(() => at('/registered') === 12, DEADLINE_MS, 'the deliveries to the other webhook');
      expect(at('/hangs')).toBe(PER_ENDPOINT);
      expect((await gateway.call(`/v1/webhooks/${id}`, { method: 'DELETE', headers: ANN })).status).toBe(204);
    },
    2 * DEADLINE_MS,
  );

  it(
    'has a bounded number of deliveries that wait: the others become dead letters',
    async () => {
      const state = () => readBrokerState(gateway.runtime.connection);
      const inHand = async () => (await state()).inboxes.get('webhooks')?.inHand;
      await until(async () => (await inHand()) === 0, DEADLINE_MS, 'the end of the deliveries before');
      hanging.add('/bounded');
      await ends(75, ANN, '/bounded');
      await until(async () => (await state()).deadLetters === 75 - 60 - PER_ENDPOINT, DEADLINE_MS, 'the dead letters');
      expect(await inHand()).toBe(60 + PER_ENDPOINT);
      await ends(5, BOB, '/well');
      await until(() => at('/well') === 5, DEADLINE_MS, 'all deliveries of the other owner');
      hanging.clear();
      release();
      await until(() => at('/bounded') === 60 + PER_ENDPOINT, DEADLINE_MS, 'the deliveries that waited');
    },
    2 * DEADLINE_MS,
  );

  it(
    'of many webhooks of one owner leaves the slots of others alone',
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
      await ends(10, ANN, '/e');
      await ends(10, BOB, '/well');
      await until(() => at('/well') === 10, DEADLINE_MS, 'all deliveries of the other owner');
      // The share of the owner, whatever its webhooks.
      expect(held.length).toBeLessThanOrEqual(3);
      for (const { id } of hooks) await gateway.call(`/v1/webhooks/${id}`, { method: 'DELETE', headers: ANN });
    },
    2 * DEADLINE_MS,
  );
});
