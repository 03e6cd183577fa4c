import { type Charge, ChargeAdjusted, ClipGenerated, encodeMessage, message, type Outgoing } from '@clipmesh/contracts';
import { loadConfig } from '@clipmesh/config';
import {
  ask,
  CostSummary,
  type CostSummaryAnswer,
  questionTransport,
  type Replica,
  startReplica,
} from '@clipmesh/messaging';
import { openKvStores, type Stores } from '@clipmesh/persistence';
import { type Broker, leakCheck, startBroker, until } from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClientProxy, ClientProxyFactory } from '@nestjs/microservices';
import { firstValueFrom, timeout, TimeoutError } from 'rxjs';
import { costService } from '../src/cost.service.js';

/** Timeout of every wait in these suites, ms. */
const DEADLINE_MS = 120_000;

let broker: Broker;
let replicas: readonly Replica[];
let stores: Stores;
let client: ClientProxy;
const logs: [string[], string[]] = [[], []];
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
  const config = loadConfig({ NATS_URL: broker.url });
  const start = (workerId: string, lines: string[]): Promise<Replica> => {
    const logger = createLogger({ service: 'cost', level: 'info' }, { write: (line) => void lines.push(line) });
    return startReplica(costService, { config, workerId, logger });
  };
  replicas = [await start('cost.1', logs[0]), await start('cost.2', logs[1])];
  stores = await openKvStores(await broker.connect());
  client = ClientProxyFactory.create(questionTransport({ url: broker.url }, { name: 'cost.test' }));
});

afterAll(async () => {
  await client.close();
  for (const replica of replicas) await replica.stop();
  await broker.stop();
  expect(leaks()).toEqual([]);
});

let generations = 0;
const newId = (): string => `gen_${(generations += 1).toString(16).padStart(32, '0')}`;
const charge = (key: string, amountMicros: number): Charge => ({
  key,
  kind: 'clip',
  stage: 'clip',
  provider: 'replicate',
  model: 'google/veo-3',
  quantity: 4,
  unit: 'second',
  amountMicros,
  outcome: 'succeeded',
});
const event = (generationId: string, scene: number, charges: Charge[]): Outgoing =>
  message(ClipGenerated, {
    generationId,
    at: '2026-01-02T03:04:05.678Z',
    charges,
    scene,
    attempt: 1,
    model: 'google/veo-3',
    predictionId: `p${scene}`,
    cached: false,
    clip: { key: `aa/${'a'.repeat(64)}.mp4`, sha256: 'a'.repeat(64), bytes: 10, contentType: 'video/mp4' },
  });
const publish = (...messages: Outgoing[]): Promise<void> => replicas[0]!.runtime.publish(messages);
const summary = (generationId: string): Promise<CostSummaryAnswer> =>
  ask(client, CostSummary, { generationId }, DEADLINE_MS);
/** Number of log lines about recorded charges of the generation. */
const recorded = (id: string, of = logs.flat()): number =>
  of.filter((line) => line.includes('charge recorded') && line.includes(id)).length;
/** Waits until the inbox has handled all events. */
const settled = async (): Promise<void> => {
  const connection = await broker.connect();
  await until(
    async () => {
      const reply = await connection.request('$JS.API.CONSUMER.INFO.EVENTS.cost', '', { timeout: DEADLINE_MS });
      const { num_pending, num_ack_pending } = reply.json<{ num_pending: number; num_ack_pending: number }>();
      return num_pending === 0 && num_ack_pending === 0;
    },
    DEADLINE_MS,
    'every event is handled',
  );
};

describe('the ledger', () => {
  it('records a charge once when its event is redelivered and when two events contain it', async () => {
    const id = newId();
    await publish(event(id, 0, [charge('prediction:a', 480_000)]));
    await settled();
    const { subject, payload } = encodeMessage(event(id, 0, [charge('prediction:a', 480_000)]));
    const connection = await broker.connect();
    // Without a message id the broker stores it again, as if an ack were lost.
    const stored = await connection.request(subject, payload, { timeout: DEADLINE_MS });
    expect(stored.json()).not.toHaveProperty('error');
    await publish(event(id, 1, [charge('prediction:a', 480_000), charge('prediction:b', 1)]));
    await settled();
    const { totalMicros, entries } = await summary(id);
    expect(entries.map(({ key, amountMicros }) => [key, amountMicros])).toEqual([
      ['prediction:a', 480_000],
      ['prediction:b', 1],
    ]);
    expect(totalMicros).toBe(480_001);
    expect(recorded(id)).toBe(2);
  });

  it('is exact for 100 concurrent events with duplicate charges on two replicas', async () => {
    const id = newId();
    const amounts = Array.from({ length: 100 }, (_, n) => 100_003 + n * 7);
    await Promise.all(
      amounts.map((amount, n) =>
        publish(
          event(id, n, [
            charge(`prediction:${n}`, amount),
            charge(`prediction:${(n + 1) % 100}`, amounts[(n + 1) % 100]!),
          ]),
        ),
      ),
    );
    await settled();
    const { totalMicros, entries } = await summary(id);
    expect(entries).toHaveLength(100);
    expect(totalMicros).toBe(amounts.reduce((sum, amount) => sum + amount, 0));
    expect(recorded(id)).toBe(100);
    expect(recorded(id, logs[0])).toBeGreaterThan(0);
    expect(recorded(id, logs[1])).toBeGreaterThan(0);
  });

  it('adds a late bill once, on the day of its charge, for events that repeat on two replicas', async () => {
    const id = newId();
    const paid = charge('prediction:a', 480_000);
    const adjustment: Charge = {
      ...paid,
      ...{
        key: 'adjustment:prediction:a',
        kind: 'adjustment',
        adjusts: paid.key,
        quantity: -1,
        amountMicros: -120_000,
      },
    };
    const at = '2026-02-03T00:00:00.000Z';
    const late = message(ChargeAdjusted, { generationId: id, at, charges: [paid, adjustment], charge: paid.key });
    const { subject, payload } = encodeMessage(late);
    const connection = await broker.connect();
    await publish(event(id, 0, [paid]));
    await Promise.all([
      publish(late),
      ...Array.from({ length: 5 }, () => connection.request(subject, payload, { timeout: DEADLINE_MS })),
      publish(event(id, 1, [paid])),
    ]);
    await settled();
    const { totalMicros, entries } = await summary(id);
    expect(entries.map(({ key, amountMicros, at: day }) => [key, amountMicros, day.slice(0, 10)])).toEqual([
      ['adjustment:prediction:a', -120_000, '2026-01-02'],
      ['prediction:a', 480_000, '2026-01-02'],
    ]);
    expect(totalMicros).toBe(360_000);
    expect(recorded(id)).toBe(2);
  });

  it('separates generations that share a charge key', async () => {
    const [one, other] = [newId(), newId()];
    await publish(event(one, 0, [charge('prediction:same', 5)]), event(other, 0, [charge('prediction:same', 7)]));
    await settled();
    expect([(await summary(one)).totalMicros, (await summary(other)).totalMicros]).toEqual([5, 7]);
  });
});

describe('cost.summary', () => {
  it('returns no entries without charges, and never the owner', async () => {
    expect(await summary(newId())).toEqual({ totalMicros: 0, entries: [] });
    const id = newId();
    await stores.ledger.append({
      ...charge('prediction:x', 9),
      generationId: id,
      owner: 'ann',
      at: '2026-01-02T03:04:05.678Z',
    });
    const { entries } = await summary(id);
    expect(entries).toEqual([{ ...charge('prediction:x', 9), at: '2026-01-02T03:04:05.678Z' }]);
  });

  it('is answered once, by one replica', async () => {
    const connection = await broker.connect();
    const inbox = 'test.replies';
    const replies: string[] = [];
    connection.subscribe(inbox, { callback: (_error, reply) => void replies.push(reply.string()) });
    const question = JSON.stringify({ pattern: 'cost.summary', data: { generationId: newId() }, id: '1' });
    for (let n = 0; n < 10; n += 1) connection.publish('cost.summary', question, { reply: inbox });
    await until(() => replies.length >= 10, DEADLINE_MS, 'ten answers');
    // Requests of one connection are answered in order, so a duplicate answer would have arrived by now.
    await Promise.all(replicas.map(({ runtime }) => runtime.connection.flush()));
    await summary(newId());
    await connection.flush();
    expect(replies).toHaveLength(10);
  });

  it('works after one replica has stopped', async () => {
    const id = newId();
    await replicas[1]!.stop();
    replicas = [replicas[0]!];
    await publish(event(id, 0, [charge('prediction:late', 3)]));
    await settled();
    expect((await summary(id)).totalMicros).toBe(3);
  });

  it.each([{ generationId: 'none' }, {}, 'x', null])('rejects %j and keeps answering', async (body) => {
    const reply = firstValueFrom(client.send<unknown>(CostSummary.name, body).pipe(timeout(DEADLINE_MS)));
    await expect(reply).rejects.not.toBeInstanceOf(TimeoutError);
    expect((await summary(newId())).totalMicros).toBe(0);
  });

  it('fails within its timeout when no replica runs', async () => {
    await replicas[0]!.stop();
    replicas = [];
    await expect(ask(client, CostSummary, { generationId: newId() }, 3000)).rejects.toBeDefined();
  });
});
