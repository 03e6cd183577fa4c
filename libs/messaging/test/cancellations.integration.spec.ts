import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Broker, leakCheck, startBroker, until, within } from '@clipmesh/testing';
import { openCancellations } from '../src/cancellations.js';

const leaks = leakCheck();
const WAIT_MS = 120_000;
const id = `gen_${'1'.repeat(32)}`;
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
});

afterAll(async () => {
  await broker.stop();
  expect(leaks()).toEqual([]);
});

it('a flag is known to those who listen and to those who open later', async () => {
  const open = async () => openCancellations(await broker.connect());
  const [asked, heard] = [await open(), await open()];
  await asked.request(id);
  await until(() => heard.isCanceled(id), WAIT_MS, 'the flag');
  const late = await open();
  expect([asked, heard, late].map((one) => one.isCanceled(id))).toEqual([true, true, true]);
  for (const one of [asked, heard, late]) one.close();
});

it('a flag is over for those who have heard of it when it is over at the broker', async () => {
  const ttlMs = 1500;
  const expiring = await startBroker();
  try {
    const open = async () => openCancellations(await expiring.connect(), 1, ttlMs);
    const [asked, heard] = [await open(), await open()];
    const told = new Promise<void>((resolve) => {
      heard.onCanceled(id, resolve);
    });
    await asked.request(id);
    await within(told, WAIT_MS, 'the flag');
    const late = await open();
    await until(async () => !(await late.check(id)), WAIT_MS, 'the end of the flag at the broker');
    const all = [asked, heard, late, await open()];
    await until(() => all.every((one) => !one.isCanceled(id)), WAIT_MS, 'the end of the flag');
    expect(await Promise.all(all.map((one) => one.check(id)))).toEqual([false, false, false, false]);
    for (const one of all) one.close();
  } finally {
    await expiring.stop();
  }
});
