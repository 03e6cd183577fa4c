import { createHash } from 'node:crypto';
import { Kvm } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { createOrOpen } from './make.once.js';

const tallySchema = z.object({
  faults: z.int().nonnegative(),
  counted: z.int().nonnegative(),
  postponed: z.int().nonnegative().default(0),
});
/** Failures of a message, those of them that used up an attempt, and how often it was postponed. */
export type RetryCounts = z.infer<typeof tallySchema>;
/** Why a message is delivered again. */
export type RetryKind = 'spared' | 'counted' | 'postponed';

/** Counts the faults of a message. Redeliveries after a crash are none, so the broker's delivery count will not do. */
export interface RetryCounter {
  count(messageId: string): Promise<RetryCounts>;
  /** One more; returns the new tally. Only the holder of the message calls this, so no two do at once. */
  add(messageId: string, fault: RetryKind): Promise<RetryCounts>;
}

export const NO_RETRIES: RetryCounts = { faults: 0, counted: 0, postponed: 0 };

/** The tally after one more. */
export function addRetry({ faults, counted, postponed }: RetryCounts, fault: RetryKind): RetryCounts {
  if (fault === 'postponed') return { faults, counted, postponed: postponed + 1 };
  return { faults: faults + 1, counted: fault === 'counted' ? counted + 1 : counted, postponed };
}

const TTL_MS = 7 * 24 * 60 * 60 * 1000;
const keyOf = (messageId: string): string => createHash('sha256').update(messageId).digest('hex');

/** Forgets the faults of a message, so that it has all its attempts again. */
export async function clearRetries(connection: NatsConnection, messageId: string): Promise<void> {
  await (await new Kvm(connection).open('faults')).delete(keyOf(messageId));
}

export async function openRetryCounter(connection: NatsConnection, replicas = 1): Promise<RetryCounter> {
  const bucket = await createOrOpen(() => new Kvm(connection).create('faults', { history: 1, ttl: TTL_MS, replicas }));
  const count = async (messageId: string): Promise<RetryCounts> => {
    const entry = await bucket.get(keyOf(messageId));
    return entry?.operation === 'PUT' ? tallySchema.parse(entry.json()) : NO_RETRIES;
  };
  return {
    count,
    add: async (messageId, fault) => {
      const next = addRetry(await count(messageId), fault);
      await bucket.put(keyOf(messageId), JSON.stringify(next));
      return next;
    },
  };
}
