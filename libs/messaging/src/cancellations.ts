import { type KV, Kvm } from '@nats-io/kv';
import { type Msg, type NatsConnection } from '@nats-io/transport-node';
import { type Clock, systemClock } from './clock.js';
import { createOrOpen } from './make.once.js';
import { reconnectDelayMs } from './reconnect.delays.js';

/** The cancel flags. Every service hears of one the moment it is set. */
export interface Cancellations {
  request(generationId: string): Promise<void>;
  /** As far as this service has heard. */
  isCanceled(generationId: string): boolean;
  /** Asks the broker: true for every request that ended before this call began. */
  check(generationId: string): Promise<boolean>;
  /** Calls back once when the flag is set; returns how to stop listening. */
  onCanceled(generationId: string, callback: () => void): () => void;
  close(): void;
}

export interface CancellationOptions {
  /** Replicas of the bucket. Default: 1. */
  readonly replicas?: number;
  /** A flag is kept this long, here as at the broker, ms. Default: one day. */
  readonly ttlMs?: number;
  /** For the flags' age and the pauses before a restart of the watch. Default: the system's. */
  readonly clock?: Clock;
  readonly logger?: { warn(fields: object, text: string): void };
}

const TTL_MS = 24 * 60 * 60 * 1000;
const BUCKET = 'cancellations';

/**
 * Resolves when all flags that are set already are known. Hears of new ones by a subscription to the bucket's subjects: a
 * watch of the bucket is a consumer at the broker, and is deaf without a sign once that is lost. The subscription restarts
 * with a back-off whenever it ends; then, and after every reconnection, all flags are read again.
 */
export async function openCancellations(
  connection: NatsConnection,
  { replicas = 1, ttlMs = TTL_MS, clock = systemClock, logger }: CancellationOptions = {},
): Promise<Cancellations> {
  // Reads go to the leader: `check` must not be answered by a replica that lags behind.
  const settings = { history: 1, ttl: ttlMs, replicas, allow_direct: false };
  const openBucket = (): Promise<KV> => createOrOpen(() => new Kvm(connection).create(BUCKET, settings));
  const closing = new AbortController();
  const isOver = (): boolean => closing.signal.aborted || connection.isClosed();
  let bucket = await openBucket();
  /** When each flag was set, ms since the epoch. */
  const canceled = new Map<string, number>();
  const listeners = new Map<string, Set<() => void>>();
  const isCanceled = (generationId: string): boolean => {
    const setAtMs = canceled.get(generationId);
    if (setAtMs === undefined) return false;
    if (clock.now() - setAtMs < ttlMs) return true;
    // The broker has it no more either: to drop work that was begun since would leave it to nobody.
    canceled.delete(generationId);
    return false;
  };
  const mark = (generationId: string, setAtMs: number): void => {
    const isNew = !isCanceled(generationId);
    canceled.set(generationId, setAtMs);
    if (!isNew) return;
    for (const callback of listeners.get(generationId) ?? []) callback();
  };

  const again = async (error: unknown, failures: number): Promise<void> => {
    const delayMs = reconnectDelayMs(failures, {}, Math.random());
    logger?.warn({ err: error, delayMs }, 'the cancel flags cannot be followed; restarting');
    await clock.sleep(delayMs, closing.signal).catch(() => undefined);
  };
  const ask = async (generationId: string): Promise<void> => {
    const entry = await bucket.get(generationId);
    if (entry?.operation === 'PUT') mark(generationId, entry.created.getTime());
  };
  const readAll = async (): Promise<void> => {
    for await (const key of await bucket.keys()) await ask(key);
  };
  const refresh = async (): Promise<void> => {
    for (let failures = 1; !isOver(); failures += 1) {
      try {
        bucket = await openBucket();
        await readAll();
        return;
      } catch (error) {
        if (!isOver()) await again(error, failures);
      }
    }
  };

  const prefix = `$KV.${BUCKET}.`;
  const hear = ({ subject, headers }: Msg): void => {
    // A deletion has a header that says so; a flag has none.
    if ((headers?.get('KV-Operation') ?? '') === '') mark(subject.slice(prefix.length), clock.now());
  };
  let subscription = connection.subscribe(`${prefix}>`);
  const follow = async (): Promise<void> => {
    for (let failures = 1; !isOver(); failures += 1) {
      let cause: unknown = new Error('the subscription ended');
      try {
        for await (const message of subscription) {
          failures = 0;
          hear(message);
        }
      } catch (error) {
        cause = error;
      }
      // With the connection closed there is nothing to follow any more.
      if (isOver()) return;
      await again(cause, failures);
      if (isOver()) return;
      subscription = connection.subscribe(`${prefix}>`);
      void refresh();
    }
  };
  const refreshOnReconnect = async (): Promise<void> => {
    for await (const { type } of connection.status()) if (type === 'reconnect') void refresh();
  };
  void follow();
  void refreshOnReconnect();
  await readAll();
  return {
    request: async (generationId) => {
      try {
        await bucket.put(generationId, 'canceled');
      } catch {
        // The bucket may be gone; what else is wrong shows again.
        bucket = await openBucket();
        await bucket.put(generationId, 'canceled');
      }
      mark(generationId, clock.now());
    },
    isCanceled,
    check: async (generationId) => {
      await ask(generationId);
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
      subscription.unsubscribe();
    },
  };
}
