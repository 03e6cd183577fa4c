import { Kvm, KvWatchInclude } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';
import { madeOnce } from './make.once.js';

/** The cancel flags, told to every service the moment they are set. */
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

/** A flag is kept this long, here as at the broker, ms. */
const TTL_MS = 24 * 60 * 60 * 1000;

/** Resolves when all flags that are set already are known. */
export async function openCancellations(
  connection: NatsConnection,
  replicas = 1,
  ttlMs = TTL_MS,
): Promise<Cancellations> {
  // Reads go to the leader: `check` must not be answered by a replica that lags behind.
  const settings = { history: 1, ttl: ttlMs, replicas, allow_direct: false };
  const bucket = await madeOnce(() => new Kvm(connection).create('cancellations', settings));
  /** When each flag was set, ms since the epoch. */
  const canceled = new Map<string, number>();
  const listeners = new Map<string, Set<() => void>>();
  const isCanceled = (generationId: string): boolean => {
    const setAtMs = canceled.get(generationId);
    if (setAtMs === undefined) return false;
    if (Date.now() - setAtMs < ttlMs) return true;
    // Who asks the broker finds it no more: to drop work that was begun since would leave it to nobody.
    canceled.delete(generationId);
    return false;
  };
  const mark = (generationId: string, setAtMs: number): void => {
    const isNew = !isCanceled(generationId);
    canceled.set(generationId, setAtMs);
    if (!isNew) return;
    for (const callback of listeners.get(generationId) ?? []) callback();
  };
  const watch = await bucket.watch({ include: KvWatchInclude.UpdatesOnly });
  void (async () => {
    for await (const entry of watch) if (entry.operation === 'PUT') mark(entry.key, entry.created.getTime());
  })();
  const ask = async (generationId: string): Promise<void> => {
    const entry = await bucket.get(generationId);
    if (entry?.operation === 'PUT') mark(generationId, entry.created.getTime());
  };
  for await (const key of await bucket.keys()) await ask(key);
  return {
    request: async (generationId) => {
      await bucket.put(generationId, 'canceled');
      mark(generationId, Date.now());
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
      watch.stop();
    },
  };
}
