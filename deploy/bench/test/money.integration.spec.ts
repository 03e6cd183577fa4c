import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openKvStores } from '@clipmesh/persistence';
import { type Broker, leakCheck, startBroker } from '@clipmesh/testing';
import { crashEverywhere } from '../src/money/crash.everywhere.js';
import { type Fate } from '../src/money/money.world.js';

let broker: Broker;
const leaks = leakCheck();

beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker.stop();
  expect(leaks()).toEqual([]);
});

describe('a kill, with records in the broker', () => {
  it.each<Fate[][]>([[['canceled']], [['failed', 'succeeded']]])(
    'after any effect of create, ledger entry, release, retry and sweep leaves right sums: %j',
    async (fates) => {
      const connection = await broker.connect();
      let prefixes = 0;
      const open = () => openKvStores(connection, { bucketPrefix: `${fates.join('-')}-${(prefixes += 1)}` });
      expect(await crashEverywhere(open, fates)).toBeGreaterThan(12);
    },
  );
});
