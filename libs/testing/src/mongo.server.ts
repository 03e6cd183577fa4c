import { randomUUID } from 'node:crypto';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node that runs before anything is installed: no package of ours
import { findServerOrSkip } from '../../../deploy/test-servers/find-server.mjs';
import { startServer } from './child.process.js';
import { freePort } from './sandbox.server.js';

const START_MS = 120_000;

export type MongoProgram = NonNullable<Awaited<ReturnType<typeof findServerOrSkip>>>;

/** MongoDB itself where `MONGODB_TEST_URI` names one, else a server that speaks its protocol; undefined: none is to be had, and that was said. */
export const findMongo = (): Promise<MongoProgram | undefined> => findServerOrSkip('mongo-java-server');

export interface MongoOptions {
  /** What is stored outlives the process in this file. Without it: in memory. */
  readonly file?: string;
  /** Without it: a free one. */
  readonly port?: number;
}

export interface Mongo {
  readonly host: string;
  /** The address of a database that nobody else has. */
  database(): string;
  /** Ends what was started here; a server that ran already goes on. */
  stop(): Promise<void>;
}

/** Throws when it cannot be started within a minute. */
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
    deadlineMs: START_MS,
  });
  return {
    host,
    database: () => `mongodb://${host}/clipmesh-test-${randomUUID()}`,
    stop: () => server.end('SIGTERM'),
  };
}
