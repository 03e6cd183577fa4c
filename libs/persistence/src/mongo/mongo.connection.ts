import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError, messageOf } from '@clipmesh/contracts';
import mongoose, { type Connection, type ConnectOptions } from 'mongoose';
import { watchHeartbeats } from './mongo.heartbeats.js';

/** Delay between two connection attempts, ms. */
const RETRY_MS = 250;

export interface MongoOptions {
  readonly uri: string;
  /** Default: the database of the URI, else `clipmesh`. */
  readonly database?: string;
  /** Time that an operation waits for a reachable primary or a free connection, ms. */
  readonly waitMs: number;
  /** Time that the start waits for MongoDB, ms. Default: `waitMs`. */
  readonly startMs?: number;
  /** Timeout of a new connection and of a heartbeat, ms. */
  readonly connectTimeoutMs: number;
  /** Timeout of an operation without an answer, ms. */
  readonly socketTimeoutMs: number;
}

export interface MongoLink {
  readonly connection: Connection;
  close(): Promise<void>;
}

/**
 * Opens a separate mongoose connection. Throws `STORE_UNAVAILABLE` if MongoDB is unreachable for `startMs`. Once open, it
 * reconnects automatically; operations during an outage fail after `waitMs`. Errors never contain the credentials of the URI.
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

/** Reopens the connection, with its collections, when the driver has stopped monitoring its servers. */
function keepOpen(connection: Connection, options: MongoOptions): MongoLink {
  const closing = new AbortController();
  let reopening: Promise<void> | undefined;
  const reopen = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      // Without force: mongoose could not reopen a force-closed connection.
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
    // Later errors are reported by the affected operations.
    connection.on('error', () => undefined);
    return connection;
  } catch (error) {
    await connection?.close(true).catch(() => undefined);
    // No cause: a parser error contains the whole URI.
    throw new ClipmeshError(
      'STORE_UNAVAILABLE',
      `MongoDB is unreachable: ${withoutCredentials(messageOf(error), uri)}`,
    );
  }
}

function settingsOf({ uri, database, waitMs, connectTimeoutMs, socketTimeoutMs }: MongoOptions): ConnectOptions {
  return {
    dbName: database ?? (databaseIn(uri) || 'clipmesh'),
    appName: 'clipmesh',
    serverSelectionTimeoutMS: waitMs,
    // Also applies to heartbeats: one that is lost with its connection must not use up the wait.
    connectTimeoutMS: connectTimeoutMs,
    waitQueueTimeoutMS: waitMs,
    socketTimeoutMS: socketTimeoutMs,
    // Charges must not be lost: an acked write is on disk at a majority, and reads see acked writes.
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: socketTimeoutMs },
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    // The wait of the driver is bounded; mongoose's buffering would hide it.
    bufferCommands: false,
    autoCreate: false,
    autoIndex: false,
    ignoreUndefined: true,
  };
}

/** Database name in the URI. Empty: none. */
function databaseIn(uri: string): string {
  return decodeURIComponent(/^[^:]+:\/\/[^/]*\/([^?]*)/.exec(uri)?.[1] ?? '');
}

/** Removes the URI and its credentials from a text. */
export function withoutCredentials(text: string, uri: string): string {
  const credentials = /^[^:]+:\/\/([^/]*)@/.exec(uri)?.[1];
  const secrets = [
    uri,
    ...(credentials === undefined ? [] : [credentials, credentials.slice(credentials.indexOf(':') + 1)]),
  ];
  return secrets
    .filter((secret) => secret !== '')
    .reduce((redacted, secret) => redacted.replaceAll(secret, '***'), text);
}
