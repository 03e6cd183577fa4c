import { setTimeout as delay } from 'node:timers/promises';
import { createOrOpen, followKeys, isWriteConflict } from '@clipmesh/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { type LimitStore } from '../ports/limit.port.js';
import { type Versioned } from '../ports/versioned.port.js';
import { unavailable } from '../records/store.error.js';
import { KvBucket } from './kv.bucket.js';
import { type KvStoresOptions } from './kv.stores.js';

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
    throw unavailable(`the bucket ${name} could not be opened`, cause);
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
        if (isWriteConflict(error)) return undefined;
        throw error;
      }
    },
    watch: (prefix, onChange) => {
      const stopped = new AbortController();
      follow(connection, kv, { name, prefix }, onChange, stopped.signal);
      return () => {
        stopped.abort();
      };
    },
  };
}

/** Reports the keys below the prefix until the signal aborts or the connection closes. Never rejects. */
function follow(
  connection: NatsConnection,
  kv: KV,
  { name, prefix }: { readonly name: string; readonly prefix: string },
  onChange: (key: string, value: unknown) => void,
  signal: AbortSignal,
): void {
  const report = (key: string, text: string): void => {
    const value = parsed(text);
    if (value !== undefined && !signal.aborted && !connection.isClosed()) onChange(key, value);
  };
  const { readAll } = followKeys(connection, {
    bucket: name,
    keys: `${prefix}.>`,
    signal,
    onValue: (key, message) => {
      report(key, message.string());
    },
    readAll: async () => {
      for await (const key of await kv.keys(`${prefix}.>`)) {
        const entry = await kv.get(key);
        if (entry?.operation === 'PUT') report(key, entry.string());
      }
    },
    onLost: () => delay(RETRY_WATCH_MS, undefined, { signal, ref: false }).catch(() => undefined),
  });
  void readAll();
}

/** Undefined: not JSON. Reading the key reports the error. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
