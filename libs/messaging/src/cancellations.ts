import { Kvm, KvWatchInclude } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';

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

const TTL_MS = 24 * 60 * 60 * 1000;

/** Resolves when all flags that are set already are known. */
export async function openCancellations(connection: NatsConnection, replicas = 1): Promise<Cancellations> {
  const bucket = await new Kvm(connection).create('cancellations', {
    history: 1,
    ttl: TTL_MS,
    replicas,
    // Reads go to the leader: `check` must not be answered by a replica that lags behind.
    allow_direct: false,
  });
  const canceled = new Set<string>();
  const listeners = new Map<string, Set<() => void>>();
  const mark = (generationId: string): void => {
    if (canceled.has(generationId)) return;
    canceled.add(generationId);
    for (const callback of listeners.get(generationId) ?? []) callback();
  };
  const watch = await bucket.watch({ include: KvWatchInclude.UpdatesOnly });
  void (async () => {
    for await (const entry of watch) if (entry.operation === 'PUT') mark(entry.key);
  })();
  for await (const key of await bucket.keys()) mark(key);
  return {
    request: async (generationId) => {
      await bucket.put(generationId, 'canceled');
      mark(generationId);
    },
    isCanceled: (generationId) => canceled.has(generationId),
    check: async (generationId) => {
      const entry = await bucket.get(generationId);
      if (entry?.operation === 'PUT') mark(generationId);
      return canceled.has(generationId);
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
