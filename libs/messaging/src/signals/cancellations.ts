import { createOrOpen, followKeys } from '@clipmesh/contracts';
import { type Log } from '@clipmesh/tracing';
import { type KV, Kvm } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';
import { type Clock, systemClock } from '../timing/clock.js';
import { reconnectDelayMs } from '../broker/reconnect.delays.js';

/** The cancel flags of generations. The broker pushes each new flag to every service. */
export interface Cancellations {
  request(generationId: string): Promise<void>;
  /** Reads the local copy of the flags. */
  isCanceled(generationId: string): boolean;
  /** Reads the flag from the broker. True for every request that completed before this call started. */
  check(generationId: string): Promise<boolean>;
  /** Calls back once when the flag is set. Returns a function that unsubscribes. */
  onCanceled(generationId: string, callback: () => void): () => void;
  close(): void;
}

export interface CancellationOptions {
  /** Replicas of the bucket. Default: 1. */
  readonly replicas?: number;
  /** Lifetime of a flag, locally and at the broker, ms. Default: one day. */
  readonly ttlMs?: number;
  /** Default: the system clock. */
  readonly clock?: Clock;
  readonly logger?: Pick<Log, 'warn'>;
}

const TTL_MS = 24 * 60 * 60 * 1000;
const BUCKET = 'cancellations';

/** Resolves when all existing flags are loaded. Follows new flags, and recovers with a back-off when they were lost. */
export async function openCancellations(
  connection: NatsConnection,
  { replicas = 1, ttlMs = TTL_MS, clock = systemClock, logger }: CancellationOptions = {},
): Promise<Cancellations> {
  // Reads go to the leader: a lagging replica must not answer `check`.
  const settings = { history: 1, ttl: ttlMs, replicas, allow_direct: false };
  const openBucket = (): Promise<KV> => createOrOpen(() => new Kvm(connection).create(BUCKET, settings));
  const closing = new AbortController();
  let bucket = await openBucket();
  /** Time of each flag, ms since the epoch. */
  const canceled = new Map<string, number>();
  const listeners = new Map<string, Set<() => void>>();
  const isCanceled = (generationId: string): boolean => {
    const setAtMs = canceled.get(generationId);
    if (setAtMs === undefined) return false;
    if (clock.now() - setAtMs < ttlMs) return true;
    // The flag has expired at the broker too. Work that started since must not be dropped.
    canceled.delete(generationId);
    return false;
  };
  const mark = (generationId: string, setAtMs: number): void => {
    const isNew = !isCanceled(generationId);
    canceled.set(generationId, setAtMs);
    if (!isNew) return;
    for (const callback of listeners.get(generationId) ?? []) callback();
  };

  const readFlag = async (generationId: string): Promise<void> => {
    const entry = await bucket.get(generationId);
    if (entry?.operation === 'PUT') mark(generationId, entry.created.getTime());
  };
  const readAll = async (): Promise<void> => {
    for await (const key of await bucket.keys()) await readFlag(key);
  };
  followKeys(connection, {
    bucket: BUCKET,
    keys: '>',
    signal: closing.signal,
    onValue: (generationId) => {
      mark(generationId, clock.now());
    },
    readAll: async () => {
      // The bucket may have been lost.
      bucket = await openBucket();
      await readAll();
    },
    onLost: async (error, failures) => {
      const delayMs = reconnectDelayMs(failures, {}, Math.random());
      logger?.warn({ err: error, delayMs }, 'lost the subscription to cancel flags; restarting');
      await clock.sleep(delayMs, closing.signal).catch(() => undefined);
    },
  });
  await readAll();
  return {
    request: async (generationId) => {
      try {
        await bucket.put(generationId, 'canceled');
      } catch {
        // The bucket may be missing. Any other error recurs.
        bucket = await openBucket();
        await bucket.put(generationId, 'canceled');
      }
      mark(generationId, clock.now());
    },
    isCanceled,
    check: async (generationId) => {
      await readFlag(generationId);
      return isCanceled(generationId);
    },
    onCanceled: (generationId, callback) => {
      const own = listeners.get(generationId) ?? new Set();
      listeners.set(generationId, own.add(callback));
      return () => {
        own.delete(callback);
        if (own.size === 0) listeners.delete(generationId);
      };
    },
    close: () => {
      closing.abort();
    },
  };
}
