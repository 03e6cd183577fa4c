import { afterAll, beforeAll } from '@jest/globals';
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
