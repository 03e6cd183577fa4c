import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { findMongo, leakCheck, type Mongo, startMongo, TcpProxy, until } from '@clipmesh/testing';
import mongoose, { type Connection } from 'mongoose';
import { openMongoStores } from '../src/mongo/mongo.stores.js';
import { mongoCollections } from '../src/mongo/mongo.collections.js';
import { connectMongo } from '../src/mongo/mongo.connection.js';
import { type Migration, migrate, MIGRATIONS } from '../src/mongo/mongo.migrations.js';
import { type OpenStores } from '../src/ports/stores.port.js';
import { storesContract } from './contract/all.contracts.js';
import { renamedFieldsContract } from './contract/renamed.contract.js';
import { entryOf, idOf, recordOf } from './contract/stores.contract.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const TIMES = { waitMs: 20_000, connectTimeoutMs: 5000, socketTimeoutMs: 15_000, claimRetentionMs: 30 * DAY_MS };

const program = await findMongo();
(program === undefined ? describe.skip : describe)('MongoDB', () => {
  const leaks = leakCheck();
  const opened: OpenStores[] = [];
  let mongo: Mongo;
  beforeAll(async () => {
    if (program === undefined) throw new Error('no MongoDB server');
    mongo = await startMongo(program);
  });
  afterAll(async () => {
    await Promise.all(opened.map((stores) => stores.close()));
    await mongo.stop();
    expect(leaks()).toEqual([]);
  });
  const open = async (uri = mongo.database(), times: Partial<typeof TIMES> = {}): Promise<OpenStores> => {
    const stores = await openMongoStores({ uri, ...TIMES, ...times });
    opened.push(stores);
    return stores;
  };
  const connected = async (uri: string, use: (connection: Connection) => Promise<void>): Promise<void> => {
    const link = await connectMongo({ uri, ...TIMES });
    try {
      await use(link.connection);
    } finally {
      await link.close();
    }
  };

  storesContract('MongoDB', () => open());
  interface Stored {
    _id: string;
    record: unknown;
  }
  renamedFieldsContract('MongoDB', async () => {
    const uri = mongo.database();
    return {
      stores: await open(uri),
      plant: (record) =>
        connected(uri, async (connection) => {
          const { id, owner, state } = record;
          const row = { _id: id, born: randomUUID(), version: 1, owner, status: state.status, record };
          await connection.collection<typeof row>('generations').insertOne(row);
        }),
      stored: async (id) => {
        let found: unknown;
        await connected(uri, async (connection) => {
          found = (await connection.collection<Stored>('generations').findOne({ _id: id }))?.record;
        });
        return found;
      },
    };
  });

  it('has the indexes for queries, uniqueness and expiry', async () => {
    const uri = mongo.database();
    await open(uri);
    await connected(uri, async (connection) => {
      const keysOf = async (name: string) =>
        (await connection.collection(name).indexes()).map(({ key, unique, expireAfterSeconds }) => ({
          key: Object.entries(key as object)
            .map(([field, order]) => `${field} ${Number(order)}`)
            .join(', '),
          ...(unique ? { unique } : {}),
          ...(expireAfterSeconds === undefined ? {} : { expireAfterSeconds }),
        }));
      expect(await keysOf('generations')).toEqual(
        expect.arrayContaining([
          { key: 'owner 1, _id -1' },
          { key: 'owner 1, status 1, _id -1' },
          { key: 'status 1, _id -1' },
        ]),
      );
      expect(await keysOf('ledger')).toEqual(
        expect.arrayContaining([{ key: 'generationId 1, key 1', unique: true }, { key: 'owner 1, at 1' }]),
      );
      expect(await keysOf('attempts')).toContainEqual({ key: 'generationId 1, key 1', unique: true });
      expect(await keysOf('accounts')).toContainEqual({ key: 'owner 1, period 1', unique: true });
      expect((await keysOf('idempotency')).map(({ key }) => key)).toContain('expiresAt 1');
    });
  });

  it('replaces an expired claim before the server removes it', async () => {
    const uri = mongo.database();
    const { idempotency } = await open(uri, { claimRetentionMs: 1 });
    expect(await idempotency.claim('k', 'f', idOf(1))).toMatchObject({ fresh: true });
    const claims = await until(
      async () => {
        const again = await Promise.all(
          Array.from({ length: 10 }, () => open(uri).then((stores) => stores.idempotency.claim('k', 'g', idOf(2)))),
        );
        return again.some(({ fresh }) => fresh) ? again : undefined;
      },
      120_000,
      'the expiry of a claim',
    );
    expect(claims.filter(({ fresh }) => fresh)).toHaveLength(1);
    for (const { generationId } of claims) expect(generationId).toBe(idOf(2));
  });

  it('names collection and id of an invalid record, and rejects writing one', async () => {
    const uri = mongo.database();
    const { generations, ledger } = await open(uri);
    await generations.create(recordOf(1));
    await connected(uri, async (connection) => {
      await connection
        .collection<{ _id: string }>('generations')
        .updateOne({ _id: idOf(1) }, { $set: { record: { id: 1 } } });
    });
    await expect(generations.get(idOf(1))).rejects.toMatchObject({
      code: 'SCHEMA_VIOLATION',
      message: expect.stringContaining(`collection generations, id ${idOf(1)}`),
    });
    await expect(ledger.append({ ...entryOf('k'), amountMicros: 0.5 })).rejects.toMatchObject({
      code: 'SCHEMA_VIOLATION',
    });
    await connected(uri, async (connection) => {
      const { ledger: records } = mongoCollections(connection);
      // The schema of the collection also applies.
      await expect(records.create(entryOf('k'), { day: 'yesterday' })).rejects.toMatchObject({
        code: 'SCHEMA_VIOLATION',
      });
    });
    expect(await ledger.entries(idOf(1))).toEqual([]);
  });

  it('migrates once, also with concurrent starts and after an interrupted migration', async () => {
    const uri = mongo.database();
    await Promise.all(Array.from({ length: 5 }, () => open(uri)));
    await connected(uri, async (connection) => {
      const collections = mongoCollections(connection);
      const applied = async () =>
        (await connection.collection('migrations').find().toArray()).map(({ _id }) => String(_id));
      expect(await applied()).toEqual(MIGRATIONS.map(({ id }) => id));
      expect(await migrate(connection, collections)).toEqual([]);
      let runs = 0;
      const next: Migration = {
        id: '9999-next',
        run: () => {
          runs += 1;
          return runs === 1 ? Promise.reject(new Error('interrupted')) : Promise.resolve();
        },
      };
      await expect(migrate(connection, collections, [...MIGRATIONS, next])).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      });
      expect(await applied()).not.toContain(next.id);
      expect(await migrate(connection, collections, [...MIGRATIONS, next])).toEqual([next.id]);
      expect(await migrate(connection, collections, [...MIGRATIONS, next])).toEqual([]);
      expect(runs).toBe(2);
    });
  });

  it('uses majority write and read concerns', async () => {
    await connected(mongo.database(), (connection) => {
      expect(connection.getClient().options).toMatchObject({
        writeConcern: expect.objectContaining({ w: 'majority', j: true }),
        readConcern: expect.objectContaining({ level: 'majority' }),
      });
      return Promise.resolve();
    });
  });

  it('does not use the default connection of mongoose', async () => {
    await open();
    expect(mongoose.connection.readyState).toBe(0);
  });

  it('throws STORE_UNAVAILABLE while the server is down, and recovers when it is back', async () => {
    if (program === undefined || 'url' in program) return;
    const first = await startMongo(program);
    const port = Number(first.host.split(':')[1]);
    const uri = first.database();
    const stores = await openMongoStores({ uri, ...TIMES, waitMs: 300, connectTimeoutMs: 300, startMs: 5000 });
    try {
      await first.stop();
      await expect(stores.generations.get(idOf(1))).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: true,
      });
      const second = await startMongo(program, { port });
      try {
        await until(
          () => stores.generations.create(recordOf(1)).then(Boolean, () => false),
          120_000,
          'a write after the restart',
        );
        expect((await stores.generations.get(idOf(1)))?.value).toEqual(recordOf(1));
      } finally {
        await stores.close();
        await second.stop();
      }
    } finally {
      await stores.close();
      await first.stop();
    }
  });

  it('recovers from connections that broke with requests in flight', async () => {
    const gate = await TcpProxy.create(mongo.host);
    const uri = mongo.database().replace(mongo.host, `127.0.0.1:${gate.port}`);
    const stores = await open(uri, { waitMs: 5000, connectTimeoutMs: 300 });
    try {
      await stores.generations.create(recordOf(1));
      // The driver only sends an immediate heartbeat half a second after the last one.
      await delay(600);
      const inFlight = Promise.allSettled(Array.from({ length: 4 }, () => stores.generations.get(idOf(1))));
      await new Promise(setImmediate);
      await gate.close();
      await gate.open();
      await inFlight;
      await until(
        () => stores.generations.get(idOf(1)).then(Boolean, () => false),
        120_000,
        'an answer after the outage',
      );
    } finally {
      await stores.close();
      await gate.close();
    }
  });
});

describe('an invalid or unreachable MongoDB URI', () => {
  it.each([
    'mongodb://me:s3cret-word@127.0.0.1:1/clipmesh',
    'mongodb://me:s3cret-word@127.0.0.1:bad/clipmesh',
    'mongodb://me:s3cret-word@/clipmesh',
    'mongodb://me:s3cret-word@127.0.0.1:1/clipmesh?nonsense=s3cret-word',
  ])('is reported without its password: %#', async (uri) => {
    const error = await openMongoStores({ uri, ...TIMES, waitMs: 200 }).then(
      () => undefined,
      (reason: unknown) => reason as Error,
    );
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    for (let at: unknown = error; at instanceof Error; at = at.cause)
      expect(`${at.message} ${at.stack ?? ''}`).not.toContain('s3cret-word');
  });
});
