import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Broker, startBroker } from '@clipmesh/testing';
import { type NatsConnection } from '@nats-io/transport-node';
import { createMemoryLimitStore, openLimitStore } from '../src/index.js';
import { limitStoreContract } from './contract/limits.contract.js';

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

it('is made by many services at the same moment', async () => {
  const others = await Promise.all(Array.from({ length: 8 }, () => broker.connect()));
  for (let round = 0; round < 100; round += 1) {
    const opened = others.map((other) => openLimitStore(other, { bucketPrefix: `r${round}` }));
    expect((await Promise.allSettled(opened)).filter(({ status }) => status === 'rejected')).toEqual([]);
  }
});
