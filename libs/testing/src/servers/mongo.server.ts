import { randomUUID } from 'node:crypto';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed: no package of ours
import { findServerOrSkip } from '../../../../deploy/test-servers/find.server.mjs';
import { startServer } from '../child.process.js';
import { freePort } from './free.port.js';

const START_TIMEOUT_MS = 120_000;

export type MongoProgram = NonNullable<Awaited<ReturnType<typeof findServerOrSkip>>>;

/** Finds the MongoDB of `MONGODB_TEST_URI`, else a server with the same protocol. Logs and resolves with undefined when there is none. */
export const findMongo = (): Promise<MongoProgram | undefined> => findServerOrSkip('mongo-java-server');

export interface MongoOptions {
  /** File that persists the data. Default: in memory. */
  readonly file?: string;
  /** Default: a free port. */
  readonly port?: number;
}

export interface Mongo {
  readonly host: string;
  /** The URL of a new database with a unique name. */
  database(): string;
  /** Stops a server that was started here. */
  stop(): Promise<void>;
}

/** Starts or uses a MongoDB server. Throws when it does not start within 120 s. */
export async function startMongo(program: MongoProgram, { file, port }: MongoOptions = {}): Promise<Mongo> {
  if ('url' in program) {
    const url = new URL(program.url);
    const database = (): string => {
      url.pathname = `/clipmesh-test-${randomUUID()}`;
      return url.href;
    };
    return { host: url.host, database, stop: () => Promise.resolve() };
  }
  const host = `127.0.0.1:${port ?? (await freePort())}`;
  const server = await startServer({
    command: program.command,
    args: [...program.args, host.split(':')[1] ?? '', ...(file === undefined ? [] : [file])],
    ready: /listening on (\d+)/,
    deadlineMs: START_TIMEOUT_MS,
  });
  return {
    host,
    database: () => `mongodb://${host}/clipmesh-test-${randomUUID()}`,
    stop: () => server.end('SIGTERM'),
  };
}
