import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openKvStores, type Stores } from '../src/index.js';
import { newId, sampleRecord } from './contract/samples.js';
import { storesContract } from './contract/stores.contract.js';

let directory: string;
let server: ChildProcess;
let connection: NatsConnection;
let stores: Stores;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function connected(port: number): Promise<NatsConnection> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await connect({ servers: `127.0.0.1:${port}` });
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clipmesh-kv-'));
  const port = await freePort();
  server = spawn('nats-server', ['-js', '-a', '127.0.0.1', '-p', String(port), '-sd', directory], { stdio: 'ignore' });
  connection = await connected(port);
  stores = await openKvStores(connection);
});

afterAll(async () => {
  await connection.close();
  if (server.exitCode === null) {
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }
  await rm(directory, { recursive: true, force: true });
});

storesContract('kv', () => stores);

it('opens buckets that exist already', async () => {
  const record = sampleRecord();
  await stores.generations.create(record);
  const again = await openKvStores(connection);
  expect((await again.generations.get(record.id))?.value).toEqual(record);
});

it('refuses a stored value that does not match its schema', async () => {
  const id = newId();
  const kv = await new Kvm(connection).open('generations');
  await kv.put(id, '{"id":1}');
  await expect(stores.generations.get(id)).rejects.toMatchObject({ code: 'SCHEMA_VIOLATION' });
  await kv.purge(id);
  expect(await stores.generations.get(id)).toBeUndefined();
});

it('names a store that cannot be reached', async () => {
  const kv = await new Kvm(connection).open('attempts');
  await kv.destroy();
  await expect(
    stores.attempts.create({
      key: 'k',
      generationId: newId(),
      kind: 'llm',
      status: 'intended',
      model: 'm',
      createdAt: '2026-01-02T03:04:05Z',
      updatedAt: '2026-01-02T03:04:05Z',
    }),
  ).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});
