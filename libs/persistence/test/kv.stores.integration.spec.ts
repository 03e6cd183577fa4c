import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Kvm } from '@nats-io/kv';
import { type Broker, startBroker, until } from '@clipmesh/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { openKvStores, type Stores } from '../src/index.js';
import { samplePurchase } from './contract/samples.js';
import { storesContract } from './contract/all.contracts.js';
import { renamedFieldsContract } from './contract/renamed.contract.js';
import { entryOf, idOf, recordOf } from './contract/stores.contract.js';

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
renamedFieldsContract('JetStream KV', async () => {
  const stores = await open();
  const kv = await new Kvm(connection).open(`t${opened}_generations`);
  return {
    stores,
    plant: (record) => kv.put(record.id, JSON.stringify(record)),
    stored: async (id) => (await kv.get(id))?.json(),
  };
});

it('expires claims, also in a bucket that was created without a retention', async () => {
  await openKvStores(connection, { bucketPrefix: 'claims' });
  const { idempotency } = await openKvStores(connection, { bucketPrefix: 'claims', claimRetentionMs: 5000 });
  expect(await idempotency.claim('k', 'f', idOf(1))).toMatchObject({ fresh: true });
  expect(await idempotency.claim('k', 'g', idOf(2))).toMatchObject({ fresh: false, generationId: idOf(1) });
  await until(async () => (await idempotency.claim('k', 'g', idOf(2))).fresh, 120_000, 'the expiry of a claim');
});

it('leaves no message in the bucket after a removal', async () => {
  const { cache, generations } = await openKvStores(connection, { bucketPrefix: 'gone' });
  const at = '2026-01-01T00:00:00.000Z';
  const entry = { key: '0'.repeat(64), kind: 'llm', status: 'filling', holder: 'h', model: 'm' } as const;
  const { revision } = await cache.create({ ...entry, leaseUntil: at, createdAt: at, usedAt: at });
  await cache.remove(entry.key, revision);
  await generations.create(recordOf(1));
  await generations.remove(idOf(1));
  const manager = await jetstreamManager(connection);
  for (const name of ['cache', 'generations', 'owners'])
    expect((await manager.streams.info(`KV_gone_${name}`)).state.messages).toBe(0);
});

describe('reads', () => {
  /** Counts the reads per bucket and the maximum number of concurrent reads. */
  function counting(prefix: string) {
    const reads = new Map<string, number>();
    let now = 0;
    let most = 0;
    const real = connection.request.bind(connection);
    const spy = jest.spyOn(connection, 'request').mockImplementation(async (subject, payload, options) => {
      const [, bucket] = new RegExp(`MSG\\.GET\\.KV_${prefix}_(\\w+)`).exec(subject) ?? [];
      if (bucket === undefined) return real(subject, payload, options);
      reads.set(bucket, (reads.get(bucket) ?? 0) + 1);
      now += 1;
      most = Math.max(most, now);
      try {
        return await real(subject, payload, options);
      } finally {
        now -= 1;
      }
    });
    const count = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
      reads.clear();
      most = 0;
      await work();
      return { ...Object.fromEntries(reads), most };
    };
    return {
      count,
      stop: (): void => {
        spy.mockRestore();
      },
    };
  }

  it('of a list are limited to the page of the owner', async () => {
    const { generations } = await openKvStores(connection, { bucketPrefix: 'lists' });
    for (let n = 0; n < 60; n += 1) await generations.create(recordOf(n, n % 3 === 0 ? 'ann' : 'bob'));
    await generations.list({ owner: 'ann', limit: 1 });
    const { count, stop } = counting('lists');
    try {
      expect(await count(() => generations.list({ owner: 'ann', limit: 5 }))).toEqual({ generations: 5, most: 5 });
      for (let n = 60; n < 160; n += 1) await generations.create(recordOf(n, 'bob'));
      expect(await count(() => generations.list({ owner: 'ann', limit: 5 }))).toEqual({ generations: 5, most: 5 });
      expect(await count(() => generations.list({ owner: 'ann', limit: 50 }))).toEqual({ generations: 20, most: 20 });
      expect(await count(() => generations.list({ owner: 'nobody', limit: 5 }))).toEqual({ most: 0 });
      // None of the twenty matches.
      const failed = () => generations.list({ owner: 'ann', status: 'failed', limit: 1 });
      expect((await count(failed))['generations']).toBe(20);
    } finally {
      stop();
    }
  });

  it('of many records run concurrently in batches', async () => {
    const stores = await openKvStores(connection, { bucketPrefix: 'many' });
    const purchase = samplePurchase(idOf(1));
    for (let n = 0; n < 100; n += 1) await stores.purchases.create({ ...purchase, key: `k${n}` });
    const at = '2026-01-01T00:00:00.000Z';
    const entry = {
      kind: 'llm',
      status: 'filling',
      holder: 'h',
      model: 'm',
      leaseUntil: at,
      createdAt: at,
      usedAt: at,
    } as const;
    for (let n = 0; n < 100; n += 1) await stores.cache.create({ ...entry, key: n.toString(16).padStart(64, '0') });
    const { count, stop } = counting('many');
    try {
      expect(await count(() => stores.purchases.list(idOf(1)))).toEqual({ attempts: 100, most: 32 });
      expect(await count(() => stores.cache.all())).toEqual({ cache: 100, most: 32 });
    } finally {
      stop();
    }
  });

  it('of usage are limited to the requested days', async () => {
    const { ledger } = await openKvStores(connection, { bucketPrefix: 'days' });
    for (let day = 1; day <= 20; day += 1) {
      const at = `2026-01-${String(day).padStart(2, '0')}T12:00:00.000Z`;
      for (const owner of ['ann', 'bob']) await ledger.append({ ...entryOf(`${owner}${day}`), owner, at });
    }
    const { count, stop } = counting('days');
    try {
      expect(await count(() => ledger.usage('ann', '2026-01-05', '2026-01-06'))).toEqual({ usage: 2, most: 1 });
      expect(await count(() => ledger.usage('ann', '2026-02-01', '2026-02-28'))).toEqual({ most: 0 });
    } finally {
      stop();
    }
  });
});

it('lists records of a version without an owner index', async () => {
  const { generations } = await openKvStores(connection, { bucketPrefix: 'old' });
  for (let n = 0; n < 50; n += 1) await generations.create(recordOf(n, n % 2 ? 'odd' : 'even'));
  const manager = await jetstreamManager(connection);
  await manager.streams.purge('KV_old_owners');
  // A new process, then one after an interrupted fill of the index.
  const next = await openKvStores(connection, { bucketPrefix: 'old' });
  expect((await next.generations.list({ owner: 'odd', limit: 100 })).map(({ id }) => id)).toEqual(
    Array.from({ length: 25 }, (_, n) => idOf(49 - 2 * n)),
  );
  await manager.streams.purge('KV_old_owners', { keep: 20 });
  const last = await openKvStores(connection, { bucketPrefix: 'old' });
  for (const owner of ['odd', 'even']) expect(await last.generations.list({ owner, limit: 100 })).toHaveLength(25);
});

it('names bucket and key of an invalid record', async () => {
  const { generations } = await openKvStores(connection, { bucketPrefix: 'broken' });
  const kv = await new Kvm(connection).open('broken_generations');
  await kv.put(idOf(1), '{"id":1}');
  await expect(generations.get(idOf(1))).rejects.toMatchObject({
    code: 'SCHEMA_VIOLATION',
    message: expect.stringContaining(`bucket broken_generations, key ${idOf(1)}`),
  });
});

it('throws a retryable STORE_UNAVAILABLE when the broker is down', async () => {
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
