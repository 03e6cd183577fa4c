import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { loadConfig } from '@clipmesh/config';
import { type Broker, leakCheck, startBroker, within } from '@clipmesh/testing';
import { createLogger } from '@clipmesh/tracing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeRuntime, openRuntime, type ServiceRuntime } from '../src/index.js';

const leaks = leakCheck();
let broker: Broker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker.stop();
  expect(leaks()).toEqual([]);
});

const open = (url: string): Promise<ServiceRuntime> => {
  const config = loadConfig({ NATS_URL: url, TRACE_STREAM: 'false' });
  return openRuntime('cost', { config, workerId: 'test', logger: createLogger({ service: 'cost', level: 'silent' }) });
};

describe('a stopping service', () => {
  it('does not wait for an unresponsive broker', async () => {
    const sockets: Socket[] = [];
    const proxy = createServer((client) => {
      const behind = connect(broker.port, '127.0.0.1');
      sockets.push(client, behind);
      client.pipe(behind).pipe(client);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const runtime = await open(`nats://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    for (const socket of sockets) socket.unpipe().pause();
    try {
      await within(closeRuntime(runtime), 120_000, 'the end');
    } finally {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    }
    expect(runtime.connection.isClosed()).toBe(true);
  });

  it('stops cleanly when the broker is down', async () => {
    const other = await startBroker();
    const runtime = await open(other.url);
    await other.kill();
    await within(closeRuntime(runtime), 120_000, 'the end');
    expect(runtime.connection.isClosed()).toBe(true);
    await other.stop();
  });
});
