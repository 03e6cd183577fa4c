import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Kvm } from '@nats-io/kv';
import { type Broker, startBroker, until } from '@clipmesh/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { openKvStores, type Stores } from '../src/index.js';
import { storesContract } from './contract/all.contracts.js';
import { idOf, recordOf } from './contract/stores.contract.js';

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
const open = (): Promise<Stores> => openKvStores(connection, { bucketPrefix: `t${(opened += 1)}` });

storesContract('JetStream KV', open);

it('forgets a claim after its time, in a bucket that was made without one too', async () => {
  await openKvStores(connection, { bucketPrefix: 'claims' });
  const { idempotency } = await openKvStores(connection, { bucketPrefix: 'claims', claimRetentionMs: 5000 });
  expect(await idempotency.claim('k', 'f', idOf(1))).toMatchObject({ fresh: true });
  expect(await idempotency.claim('k', 'g', idOf(2))).toMatchObject({ fresh: false, generationId: idOf(1) });
  await until(async () => (await idempotency.claim('k', 'g', idOf(2))).fresh, 120_000, 'the end of a claim');
});

it('leaves nothing in the bucket of what was removed', async () => {
  const { cache, generations } = await openKvStores(connection, { bucketPrefix: 'gone' });
  const at = '2026-01-01T00:00:00.000Z';
  const entry = { key: '0'.repeat(64), kind: 'llm', status: 'filling', holder: 'h', model: 'm' } as const;
  const { revision } = await cache.create({ ...entry, leaseUntil: at, createdAt: at, usedAt: at });
  await cache.remove(entry.key, revision);
  await generations.create(recordOf(1));
  await generations.remove(idOf(1));
  const manager = await jetstreamManager(connection);
  for (const name of ['cache', 'generations'])
    expect((await manager.streams.info(`KV_gone_${name}`)).state.messages).toBe(0);
});

it('names bucket and key of a broken record', async () => {
  const { generations } = await openKvStores(connection, { bucketPrefix: 'broken' });
  const kv = await new Kvm(connection).open('broken_generations');
  await kv.put(idOf(1), '{"id":1}');
  await expect(generations.get(idOf(1))).rejects.toMatchObject({
    code: 'SCHEMA_VIOLATION',
    message: expect.stringContaining(`bucket broken_generations, key ${idOf(1)}`),
  });
});

it('says STORE_UNAVAILABLE, retryable, when the broker is gone', async () => {
  const lost = await startBroker();
  try {
    const own = await lost.connect();
    const { generations } = await openKvStores(own);
    await lost.kill();
    await own.closed();
    await expect(generations.get(idOf(1))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
  } finally {
    await lost.stop();
  }
});
