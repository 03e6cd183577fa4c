import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { loadConfig } from '@clipmesh/config';
import { type Broker, freePort, leakCheck, startBroker, tempFolder, type TempFolder, until } from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { Module } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { BrokerRefusal, closeRuntime, openRuntime, startReplica } from '../src/index.js';

/** Timeout that only ends a hang. */
const HANG_MS = 60_000;
const leaks = leakCheck();
const logger = createLogger({ service: 'cost', level: 'silent' });
let folder: TempFolder;
let broker: Broker | undefined;

@Module({})
class Empty {}

beforeAll(async () => {
  folder = await tempFolder('runner');
});
afterEach(async () => {
  await broker?.stop();
  broker = undefined;
});
afterAll(async () => {
  await folder.remove();
  expect(leaks()).toEqual([]);
});

async function serve(config: string, core = false): Promise<Broker> {
  const configFile = join(folder.path, 'nats.conf');
  writeFileSync(configFile, config);
  broker = await startBroker({ configFile, core });
  return broker;
}
const MONITOR = async (): Promise<{ port: number; connections: () => Promise<number> }> => {
  const port = await freePort();
  const connections = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}/connz`);
    return ((await answer.json()) as { num_connections: number }).num_connections;
  };
  return { port, connections };
};
const configFor = (url: string, more: Record<string, string> = {}) =>
  loadConfig({ NATS_URL: url, NATS_GRACE_SECONDS: '600', TRACE_STREAM: 'false', ...more });

describe('a failed start leaves no connection open', () => {
  it.each([
    [
      'its user may not provision',
      'authorization { timeout: 60, users: [ { user: u, password: p, permissions: { publish: { deny: ["$JS.API.STREAM.CREATE.>"] } } } ] }',
      false,
      /no permission for publish of \$JS\.API\.STREAM\.CREATE/,
    ],
    [
      'its user may not receive',
      'authorization { timeout: 60, users: [ { user: u, password: p, permissions: { subscribe: { deny: ["_INBOX.>"] } } } ] }',
      false,
      /no permission for subscription of _INBOX/,
    ],
    ['the broker has no JetStream', 'authorization { timeout: 60, user: u, password: p }', true, /has no JetStream/],
  ])('%s', async (_what, rules, core, advice) => {
    const { port, connections } = await MONITOR();
    const { port: natsPort } = await serve(`http: 127.0.0.1:${port}\n${rules}`, core);
    // A broker without JetStream cannot be distinguished from one that is starting, so the start waits.
    const grace: Record<string, string> = core ? { NATS_GRACE_SECONDS: '1' } : {};
    const started = openRuntime('cost', {
      config: configFor(`nats://u:p@127.0.0.1:${natsPort}`, grace),
      workerId: 'test',
      logger,
    });
    await expect(started).rejects.toThrow(advice);
    await expect(started).rejects.toBeInstanceOf(BrokerRefusal);
    await until(async () => (await connections()) === 0, HANG_MS, 'the end of its connection');
  });

  it.each([
    ['its module fails', () => Promise.reject(new Error('no module'))],
    ['its inbox has no handler', () => Promise.resolve({ module: Empty })],
  ])('%s', async (_what, module) => {
    const { port, connections } = await MONITOR();
    const { url } = await serve(`http: 127.0.0.1:${port}`);
    const service = { service: 'cost', module, settings: () => ({ cost: SETTINGS }) } as const;
    await expect(startReplica(service, { config: configFor(url), workerId: 'test', logger })).rejects.toThrow(
      /no module|no handler/,
    );
    await until(async () => (await connections()) === 0, HANG_MS, 'the end of its connection');
  });

  it('its health port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port, connections } = await MONITOR();
    const { url } = await serve(`http: 127.0.0.1:${port}`);
    const config = configFor(url, { HEALTH_PORT: String((taken.address() as AddressInfo).port) });
    const service = {
      service: 'cost',
      module: () => Promise.resolve({ module: Empty }),
      settings: () => ({}),
    } as const;
    await expect(startReplica(service, { config, workerId: 'test', logger })).rejects.toThrow(/EADDRINUSE/);
    await until(async () => (await connections()) === 0, HANG_MS, 'the end of its connection');
    taken.close();
  });
});

const SETTINGS = {
  concurrency: 1,
  retry: { maxTries: 1, firstDelayMs: 1, maxDelayMs: 1 },
  handlerTimeoutMs: 1000,
  heartbeatMs: 100,
  drainMs: 100,
};

describe('a running replica', () => {
  it('is alive without a broker, and ready only with one', async () => {
    const { url, kill, restart } = await serve('');
    const port = await freePort();
    const config = configFor(url, { HEALTH_PORT: String(port), NATS_CONNECT_TIMEOUT: '2' });
    const service = {
      service: 'cost',
      module: () => Promise.resolve({ module: Empty }),
      settings: () => ({}),
    } as const;
    const { stop } = await startReplica(service, { config, workerId: 'test', logger });
    const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    expect([await status('/healthz'), await status('/readyz'), await status('/other')]).toEqual([200, 200, 404]);
    await kill();
    await until(async () => (await status('/readyz')) === 503, HANG_MS, 'not ready');
    expect(await status('/healthz')).toBe(200);
    await restart();
    await until(async () => (await status('/readyz')) === 200, HANG_MS, 'ready');
    await stop();
    await expect(status('/healthz')).rejects.toThrow();
  });

  it('does not report a lost connection when it closes the connection itself', async () => {
    const { url } = await serve('');
    const lost: Error[] = [];
    const open = () =>
      openRuntime('cost', { config: configFor(url), workerId: 'test', logger, onLost: (error) => lost.push(error) });
    await closeRuntime(await open());
    expect(lost).toEqual([]);
  });
});
