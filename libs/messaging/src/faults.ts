import { createHash } from 'node:crypto';
import { Kvm } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';

/** Counts the faults of a message. Redeliveries after a crash are none, so the broker's delivery count will not do. */
export interface FaultCounter {
  count(messageId: string): Promise<number>;
  /** One more; returns the new count. Only the holder of the message calls this, so no two do at once. */
  add(messageId: string): Promise<number>;
}

const TTL_MS = 7 * 24 * 60 * 60 * 1000;
const keyOf = (messageId: string): string => createHash('sha256').update(messageId).digest('hex');

/** Forgets the faults of a message, so that it has all its attempts again. */
export async function clearFaults(connection: NatsConnection, messageId: string): Promise<void> {
  await (await new Kvm(connection).open('faults')).delete(keyOf(messageId));
}

export async function openFaults(connection: NatsConnection, replicas = 1): Promise<FaultCounter> {
  const bucket = await new Kvm(connection).create('faults', { history: 1, ttl: TTL_MS, replicas });
  const count = async (messageId: string): Promise<number> => {
    const entry = await bucket.get(keyOf(messageId));
    return entry === null || entry.operation !== 'PUT' ? 0 : Number(entry.string());
  };
  return {
    count,
    add: async (messageId) => {
      const next = (await count(messageId)) + 1;
      await bucket.put(keyOf(messageId), String(next));
      return next;
    },
  };
}
