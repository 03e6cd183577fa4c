import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { expect, it } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { leakCheck, startBroker, startSandbox, tempFolder, until } from '../src/index.js';

it('a killed broker restarts on its port with its stored messages', async () => {
  const leaks = leakCheck();
  const broker = await startBroker();
  try {
    const first = await broker.connect();
    await (await jetstreamManager(first)).streams.add({ name: 'S', subjects: ['s.>'] });
    await jetstream(first).publish('s.1', 'kept');
    await broker.kill();
    await first.closed();
    await broker.restart();
    const again = await broker.connect();
    const { state } = await (await jetstreamManager(again)).streams.info('S');
    expect(state.messages).toBe(1);
  } finally {
    await broker.stop();
  }
  expect(leaks()).toEqual([]);
});

it('a broker keeps a given store folder', async () => {
  const folder = await tempFolder();
  const broker = await startBroker({ dir: folder.path });
  await broker.stop();
  expect(existsSync(folder.path)).toBe(true);
  await folder.remove();
});

it('the sandbox applies its scenario, keeps an invoice, and has exited after the stop', async () => {
  const leaks = leakCheck();
  const sandbox = await startSandbox();
  try {
    await sandbox.scenario({ queueSeconds: 0 });
    await expect(sandbox.scenario({ nonsense: true })).rejects.toThrow('/sandbox/scenario');
    expect(await sandbox.invoice()).toMatchObject({ predictions: [], totalUsd: 0 });
    await sandbox.clearInvoice();
  } finally {
    await sandbox.stop();
  }
  expect(leaks()).toEqual([]);
});

it('the leak check reports a running process and a folder that was not removed', async () => {
  const leaks = leakCheck();
  const folder = await tempFolder();
  const child = spawn('sleep', ['60']);
  try {
    expect(leaks()).toEqual([
      expect.stringContaining(`process ${child.pid ?? 0}`),
      `folder ${folder.path} was not removed`,
    ]);
  } finally {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await folder.remove();
  }
  expect(leaks()).toEqual([]);
});

it('a wait names its condition when it times out', async () => {
  await expect(until(() => false, 50, 'the event')).rejects.toThrow('the event did not happen within 50 ms');
  let checks = 0;
  expect(await until(() => (checks += 1) > 2 && 'seen', 1000, 'the third check')).toBe('seen');
});
