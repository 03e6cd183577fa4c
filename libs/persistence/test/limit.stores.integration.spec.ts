import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Broker, startBroker, until } from '@clipmesh/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { createMemoryLimitStore, openLimitStore } from '../src/index.js';
import { limitStoreContract } from './contract/limits.contract.js';

/** Only ends a hang. */
const HANG_MS = 120_000;

let broker: Broker;
let connection: NatsConnection;
let opened = 0;
beforeAll(async () => {
  broker = await startBroker();
  connection = await broker.connect();
});
afterAll(async () => {
  await broker.stop();
});

limitStoreContract('memory', () => Promise.resolve(createMemoryLimitStore()));
limitStoreContract('JetStream KV', () => openLimitStore(connection, { bucketPrefix: `t${(opened += 1)}` }));

it('reports changes after every consumer of the bucket is deleted, and after the broker restarts', async () => {
  const own = await startBroker();
  try {
    const writer = await own.connect({ reconnect: true });
    const store = await openLimitStore(writer, { bucketPrefix: 'lost' });
    const reader = await openLimitStore(await own.connect({ reconnect: true }), { bucketPrefix: 'lost' });
    const seen: unknown[] = [];
    const stop = reader.watch('signal', (_key, value) => seen.push(value));
    const changes = async (value: number): Promise<void> => {
      const before = await store.get('signal.breaker');
      await store.save('signal.breaker', value, before?.revision);
      await until(() => seen.includes(value), HANG_MS, `the value ${value}`);
    };
    await changes(1);
    const manager = await jetstreamManager(writer);
    for await (const { name } of manager.consumers.list('KV_lost_limits'))
      await manager.consumers.delete('KV_lost_limits', name);
    await changes(2);
    await own.restart();
    await until(() => store.get('signal.breaker').catch(() => undefined), HANG_MS, 'the broker is back');
    await changes(3);
    stop();
    await store.save('signal.breaker', 4, (await store.get('signal.breaker'))?.revision);
    const later: unknown[] = [];
    reader.watch('signal', (_key, value) => later.push(value));
    await until(() => later.includes(4), HANG_MS, 'the value 4');
    expect(seen).toEqual(expect.not.arrayContaining([4]));
  } finally {
    await own.stop();
  }
});

it('can be opened by many services concurrently', async () => {
  const others = await Promise.all(Array.from({ length: 8 }, () => broker.connect()));
  for (let round = 0; round < 100; round += 1) {
    const opened = others.map((other) => openLimitStore(other, { bucketPrefix: `r${round}` }));
    expect((await Promise.allSettled(opened)).filter(({ status }) => status === 'rejected')).toEqual([]);
  }
});
