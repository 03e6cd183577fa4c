import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { type LimitStore } from '../limits.port.js';
import { AlreadyExistsError, ConflictError, type Versioned } from '../ports.js';
import { KvBucket } from './kv.bucket.js';
import { type KvStoresOptions } from './kv.stores.js';
import { madeOnce } from './make.once.js';

/** What nobody changes for this long is forgotten: every limit is whole again by then, ms. */
const TTL_MS = 24 * 60 * 60 * 1000;
const RETRY_WATCH_MS = 1000;

/** The bucket `<prefix>_limits`, made when it is not there. Faults of the broker become `STORE_UNAVAILABLE`. */
export async function openLimitStore(connection: NatsConnection, options: KvStoresOptions = {}): Promise<LimitStore> {
  const { replicas = 1, bucketPrefix = 'clipmesh' } = options;
  const name = `${bucketPrefix}_limits`;
  try {
    const settings = { replicas, history: 1, ttl: TTL_MS, allow_direct: false };
    const kv = await madeOnce(() => new Kvm(connection).create(name, settings));
    return limitStore(connection, kv, new KvBucket(name, kv, await jetstreamManager(connection), z.unknown()));
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new ClipmeshError('STORE_UNAVAILABLE', `the bucket ${name} could not be opened: ${detail}`, { cause });
  }
}

function limitStore(connection: NatsConnection, kv: KV, bucket: KvBucket<unknown>): LimitStore {
  return {
    // Without spans: a lease is taken many times a second.
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
      void follow(connection, kv, prefix, onChange, stopped.signal);
      return () => {
        stopped.abort();
      };
    },
  };
}

/** Watches until told to stop, or the connection is closed for good; a watch that breaks is begun again. Never rejects. */
async function follow(
  connection: NatsConnection,
  kv: KV,
  prefix: string,
  onChange: (key: string, value: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && !connection.isClosed()) {
    try {
      const watch = await kv.watch({ key: `${prefix}.>` });
      const stop = (): void => {
        watch.stop();
      };
      signal.addEventListener('abort', stop, { once: true });
      if (isAborted(signal)) stop();
      for await (const entry of watch) {
        const value = entry.operation === 'PUT' ? parsed(entry.string()) : undefined;
        if (value !== undefined && !isAborted(signal)) onChange(entry.key, value);
      }
      signal.removeEventListener('abort', stop);
    } catch {
      // The next round tells whether the broker is back.
    }
    await delay(RETRY_WATCH_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** Asked anew each time: it changes while others run. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;

/** Undefined for what is not JSON: whoever reads the key itself is told so. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
