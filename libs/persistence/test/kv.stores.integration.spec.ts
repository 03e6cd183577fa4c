import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Kvm } from '@nats-io/kv';
import { type Broker, startBroker } from '@clipmesh/testing';
import { type NatsConnection } from '@nats-io/transport-node';
import { openKvStores, type Stores } from '../src/index.js';
import { generationStoreContract, idOf, purchaseStoresContract } from './contract/stores.contract.js';

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

generationStoreContract('JetStream KV', open);
purchaseStoresContract('JetStream KV', open);

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
