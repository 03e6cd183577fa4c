import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import mongoose, { type Connection, type ConnectOptions } from 'mongoose';
import { watchHeartbeats } from './mongo.heartbeats.js';

/** Pause between two tries of a start, ms. */
const RETRY_MS = 250;

export interface MongoOptions {
  readonly uri: string;
  /** The URI's own unless told; `clipmesh` when it names none. */
  readonly database?: string;
  /** An operation waits for a reachable primary, or for a free connection, this long, ms. */
  readonly waitMs: number;
  /** The start tries for this long instead, ms; `waitMs` unless told. */
  readonly startMs?: number;
  /** A connection that is being made, or a question whether the server is there, is given up and begun anew after this, ms. */
  readonly connectTimeoutMs: number;
  /** A server that says nothing to an operation for this long is given up, ms. */
  readonly socketTimeoutMs: number;
}

export interface MongoLink {
  readonly connection: Connection;
  close(): Promise<void>;
}

/**
 * A connection of its own, whatever else uses mongoose in this process. Throws `STORE_UNAVAILABLE` when MongoDB is not
 * there within `startMs`. Once open it finds its way back by itself; an operation in between fails after `waitMs`.
 * Errors never hold the URI's credentials.
 */
export async function connectMongo(options: MongoOptions): Promise<MongoLink> {
  const deadlineMs = Date.now() + (options.startMs ?? options.waitMs);
  for (;;) {
    try {
      return keepOpen(await connectOnce(options), options);
    } catch (error) {
      if (Date.now() >= deadlineMs || !(error instanceof ClipmeshError) || !error.retryable) throw error;
      await delay(RETRY_MS);
    }
  }
}

/** Opens the connection anew, with its collections, whenever the driver has stopped looking for its servers. */
function keepOpen(connection: Connection, options: MongoOptions): MongoLink {
  const closing = new AbortController();
  let reopening: Promise<void> | undefined;
  const reopen = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      // Not by force: mongoose would hold that against it when it is open again.
      await connection.close().catch(() => undefined);
      try {
        await connection.openUri(options.uri, settingsOf(options));
        watch();
        return;
      } catch {
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      }
    }
  };
  const watch = (): void => {
    watchHeartbeats(connection.getClient(), options.connectTimeoutMs, () => {
      reopening = reopen();
    });
  };
  watch();
  return {
    connection,
    close: async () => {
      closing.abort();
      await reopening;
      await connection.close();
    },
  };
}

async function connectOnce(options: MongoOptions): Promise<Connection> {
  const { uri } = options;
  let connection: Connection | undefined;
  try {
    connection = mongoose.createConnection(uri, settingsOf(options));
    await connection.asPromise();
    // What goes wrong later is told by the operation that it hits.
    connection.on('error', () => undefined);
    return connection;
  } catch (error) {
    await connection?.close(true).catch(() => undefined);
    const detail = error instanceof Error ? error.message : String(error);
    // Without the cause: a parser's error quotes the whole address.
    throw new ClipmeshError('STORE_UNAVAILABLE', `MongoDB could not be reached: ${withoutCredentials(detail, uri)}`);
  }
}

function settingsOf({ uri, database, waitMs, connectTimeoutMs, socketTimeoutMs }: MongoOptions): ConnectOptions {
  return {
    dbName: database ?? (databaseIn(uri) || 'clipmesh'),
    appName: 'clipmesh',
    serverSelectionTimeoutMS: waitMs,
    // Also of the driver's own questions: one that is lost with its connection must not use up the wait.
    connectTimeoutMS: connectTimeoutMs,
    waitQueueTimeoutMS: waitMs,
    socketTimeoutMS: socketTimeoutMs,
    // Money rests on it: acknowledged is on the disks of most members. Reads see what was acknowledged.
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: socketTimeoutMs },
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    // The driver's own wait is bounded; mongoose's buffer would hide it.
    bufferCommands: false,
    autoCreate: false,
    autoIndex: false,
    ignoreUndefined: true,
  };
}

/** The name between the hosts and the options; empty when there is none. */
function databaseIn(uri: string): string {
  return decodeURIComponent(/^[^:]+:\/\/[^/]*\/([^?]*)/.exec(uri)?.[1] ?? '');
}

/** A text without the address and the credentials in it. */
export function withoutCredentials(text: string, uri: string): string {
  const credentials = /^[^:]+:\/\/([^/]*)@/.exec(uri)?.[1];
  const secrets = [
    uri,
    ...(credentials === undefined ? [] : [credentials, credentials.slice(credentials.indexOf(':') + 1)]),
  ];
  return secrets.filter((secret) => secret !== '').reduce((said, secret) => said.replaceAll(secret, '***'), text);
}
