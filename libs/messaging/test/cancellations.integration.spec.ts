import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Broker, leakCheck, startBroker, until } from '@clipmesh/testing';
import { openCancellations } from '../src/cancellations.js';

const leaks = leakCheck();
const id = `gen_${'1'.repeat(32)}`;
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 60_000);

afterAll(async () => {
  await broker.stop();
  expect(leaks()).toEqual([]);
}, 60_000);

it('a flag is over for those who have heard of it when it is over at the broker', async () => {
  const ttlMs = 1500;
  const open = async () => openCancellations(await broker.connect(), 1, ttlMs);
  const [asked, heard] = [await open(), await open()];
  await asked.request(id);
  await until(() => heard.isCanceled(id), 5000, 'the flag');
  const late = await open();
  expect(late.isCanceled(id)).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, ttlMs + 500));
  const fresh = await open();
  const all = [asked, heard, late, fresh];
  expect(all.map((one) => one.isCanceled(id))).toEqual([false, false, false, false]);
  expect(await Promise.all(all.map((one) => one.check(id)))).toEqual([false, false, false, false]);
  for (const one of all) one.close();
});
