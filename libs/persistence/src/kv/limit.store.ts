import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { type LimitStore } from '../ports/limit.port.js';
import { AlreadyExistsError, ConflictError, type Versioned } from '../ports/versioned.port.js';
import { KvBucket } from './kv.bucket.js';
import { type KvStoresOptions } from './kv.stores.js';
import { createOrOpen } from './create.once.js';

/** Lifetime of an unchanged value, ms. All limits have recovered by then. */
const TTL_MS = 24 * 60 * 60 * 1000;
const RETRY_WATCH_MS = 1000;

/** Opens the bucket `<prefix>_limits`, and creates it if missing. Throws `STORE_UNAVAILABLE`. */
export async function openLimitStore(connection: NatsConnection, options: KvStoresOptions = {}): Promise<LimitStore> {
  const { replicas = 1, bucketPrefix = 'clipmesh' } = options;
  const name = `${bucketPrefix}_limits`;
  try {
    const settings = { replicas, history: 1, ttl: TTL_MS, allow_direct: false };
    const kv = await createOrOpen(() => new Kvm(connection).create(name, settings));
    return limitStore(connection, name, kv, new KvBucket(name, kv, await jetstreamManager(connection), z.unknown()));
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new ClipmeshError('STORE_UNAVAILABLE', `the bucket ${name} could not be opened: ${detail}`, { cause });
  }
}

function limitStore(connection: NatsConnection, name: string, kv: KV, bucket: KvBucket<unknown>): LimitStore {
  return {
    // Without spans: called many times per second.
    get: (key) => bucket.get(key),
    save: async (key, value, revision): Promise<Versioned<unknown> | undefined> => {
      try {
        return await (revision === undefined ? bucket.create(key, value) : bucket.save(key, value, revision));
      } catch (error) {
        if (error instanceof ConflictError || error instanceof AlreadyExistsError) return undefined;
        throw error;
      }
    },
    watch: (prefix, onChange) => {
      const stopped = new AbortController();
      void follow(connection, kv, { name, prefix }, onChange, stopped.signal);
      return () => {
        stopped.abort();
      };
    },
  };
}

/**
 * Follows the keys below the prefix until the signal aborts or the connection closes. Uses a subscription to the
 * subjects of the bucket: a KV watch depends on a consumer at the broker and stays silent without an error if that is lost.
 * Reads the keys at the start, after every reconnection, and when the subscription restarts. Never rejects.
 */
async function follow(
  connection: NatsConnection,
  kv: KV,
  { name, prefix }: { readonly name: string; readonly prefix: string },
  onChange: (key: string, value: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => signal.aborted || connection.isClosed();
  const report = (key: string, text: string): void => {
    const value = parsed(text);
    if (value !== undefined && !isOver()) onChange(key, value);
  };
  const pause = (): Promise<void> => delay(RETRY_WATCH_MS, undefined, { signal, ref: false }).catch(() => undefined);
  const readAll = async (): Promise<void> => {
    while (!isOver()) {
      try {
        for await (const key of await kv.keys(`${prefix}.>`)) {
          const entry = await kv.get(key);
          if (entry?.operation === 'PUT') report(key, entry.string());
        }
        return;
      } catch {
        // The broker is unreachable. The next round retries.
        await pause();
      }
    }
  };
  const readOnReconnect = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (isOver()) return;
      if (type === 'reconnect') await readAll();
    }
  };
  void readOnReconnect();
  const root = `$KV.${name}.`;
  while (!isOver()) {
    try {
      const subscription = connection.subscribe(`${root}${prefix}.>`);
      const stop = (): void => {
        subscription.unsubscribe();
      };
      signal.addEventListener('abort', stop, { once: true });
      void readAll();
      for await (const message of subscription) {
        // Deletions have this header; values do not.
        if ((message.headers?.get('KV-Operation') ?? '') === '')
          report(message.subject.slice(root.length), message.string());
      }
      signal.removeEventListener('abort', stop);
    } catch {
      // The subscription ended with an error; it restarts below.
    }
    if (!isOver()) await pause();
  }
}

/** Undefined: not JSON. Reading the key reports the error. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
