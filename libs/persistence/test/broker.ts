import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';

export interface Broker {
  connection: NatsConnection;
  kill(): void;
  stop(): Promise<void>;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

async function connected(port: number): Promise<NatsConnection> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await connect({ servers: `127.0.0.1:${port}`, timeout: 2000, reconnect: false });
    } catch (error) {
      if (tries >= 50) throw error;
      await sleep(100);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** A nats-server of one's own on a free port; `stop` ends it and removes its files. */
export async function startBroker(): Promise<Broker> {
  const store = await mkdtemp(join(tmpdir(), 'clipmesh-persistence-'));
  const port = await freePort();
  const child = spawn('nats-server', ['-js', '-sd', store, '-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const clean = async (): Promise<void> => {
    await end(child);
    await rm(store, { recursive: true, force: true });
  };
  try {
    const connection = await connected(port);
    return {
      connection,
      kill: () => void child.kill('SIGKILL'),
      stop: async () => {
        await connection.close();
        await clean();
      },
    };
  } catch (error) {
    await clean();
    throw error;
  }
}
