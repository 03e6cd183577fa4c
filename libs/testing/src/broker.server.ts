import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type ServerProcess, startServer } from './child.process.js';
import { tempFolder } from './temp.folder.js';

const START_MS = 120_000;
/** nats-server prints both, in this order. */
const READY = /Listening for client connections on 127\.0\.0\.1:(\d+)[^]*Server is ready/;

/** `path`: the nats-server on PATH. `current`: the one that `NATS_SERVER_CURRENT` names. */
export type BrokerVersion = 'path' | 'current';

/** The program of a version; undefined: this machine has not been told of one. */
export function brokerCommand(version: BrokerVersion): string | undefined {
  return version === 'path' ? 'nats-server' : process.env['NATS_SERVER_CURRENT'];
}

export interface BrokerOptions {
  readonly version?: BrokerVersion;
  /** Folder of the store; it stays when the broker is stopped. Without it: one of the broker's own, removed by `stop`. */
  readonly dir?: string;
  /** Without it: a free one. */
  readonly port?: number;
  /** A configuration beside what this library sets: users, TLS. Without it: none. */
  readonly configFile?: string;
  /** Without a JetStream. Default: false. */
  readonly core?: boolean;
  /** What `connect` uses where it is not given another user. */
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
  /** A connection that `stop` closes. It does not reconnect, unless asked to. */
  connect(options?: BrokerConnect): Promise<NatsConnection>;
  /** SIGKILL, as a power cut would; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Up again on the same port with the same store; ends the process first where it runs. */
  restart(): Promise<void>;
  /** Ends connections and process, and removes the store. */
  stop(): Promise<void>;
}

/** A nats-server with JetStream on loopback. Throws when it cannot be started within 15 s. */
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
      deadlineMs: START_MS,
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
