import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type ServerProcess, startServer } from '../child.process.js';
import { tempFolder } from '../temp.folder.js';

const START_TIMEOUT_MS = 120_000;
/** nats-server prints both lines, in this order. */
const READY = /Listening for client connections on 127\.0\.0\.1:(\d+)[^]*Server is ready/;

/** `path`: the nats-server on PATH. `current`: the one that `NATS_SERVER_CURRENT` names. */
export type BrokerVersion = 'path' | 'current';

/** The nats-server command of a version; undefined when `NATS_SERVER_CURRENT` is not set. */
export function brokerCommand(version: BrokerVersion): string | undefined {
  return version === 'path' ? 'nats-server' : process.env['NATS_SERVER_CURRENT'];
}

export interface BrokerOptions {
  readonly version?: BrokerVersion;
  /** Store folder, kept after `stop`. Default: a temporary folder, removed by `stop`. */
  readonly dir?: string;
  /** Default: a free port. */
  readonly port?: number;
  /** Additional configuration file, for users and TLS. Default: none. */
  readonly configFile?: string;
  /** Starts without JetStream. Default: false. */
  readonly core?: boolean;
  /** Default user of `connect`. */
  readonly user?: string;
  readonly pass?: string;
}

export interface BrokerConnect {
  readonly reconnect?: boolean;
  readonly user?: string;
  readonly pass?: string;
}

export interface Broker {
  readonly url: string;
  readonly port: number;
  /** Opens a connection, which `stop` closes. It does not reconnect by default. */
  connect(options?: BrokerConnect): Promise<NatsConnection>;
  /** Sends SIGKILL. Resolves when the process has exited. */
  kill(): Promise<void>;
  /** Restarts the broker on the same port with the same store. */
  restart(): Promise<void>;
  /** Closes the connections, stops the process and removes a temporary store. */
  stop(): Promise<void>;
}

/** Starts a nats-server with JetStream on loopback. Throws when it does not start within 120 s. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const command = brokerCommand(options.version ?? 'path');
  if (command === undefined) throw new Error('NATS_SERVER_CURRENT names no nats-server');
  const own = options.dir === undefined ? await tempFolder('broker') : undefined;
  const store = options.dir ?? own?.path ?? '';
  const start = (port: number): Promise<ServerProcess> =>
    startServer({
      command,
      args: [
        ...(options.core === true ? [] : ['-js', '-sd', store]),
        ...(options.configFile === undefined ? [] : ['-c', options.configFile]),
        ...['-a', '127.0.0.1', '-p', String(port)],
      ],
      ready: READY,
      deadlineMs: START_TIMEOUT_MS,
    });
  let server: ServerProcess;
  try {
    server = await start(options.port ?? -1);
  } catch (error) {
    await own?.remove();
    throw error;
  }
  const port = Number(server.ready[1]);
  const connections: NatsConnection[] = [];
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    connect: async ({ reconnect = false, user = options.user, pass = options.pass } = {}) => {
      const connection = await connect({
        servers: `127.0.0.1:${port}`,
        timeout: 5000,
        reconnect,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        ...(user === undefined ? {} : { user, pass: pass ?? '' }),
      });
      connections.push(connection);
      return connection;
    },
    kill: () => server.end('SIGKILL'),
    restart: async () => {
      await server.end('SIGTERM');
      server = await start(port);
    },
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await server.end('SIGTERM');
      await own?.remove();
    },
  };
}
