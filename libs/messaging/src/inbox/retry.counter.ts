import { createHash } from 'node:crypto';
import { createOrOpen } from '@clipmesh/contracts';
import { Kvm } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';

const countsSchema = z.object({
  faults: z.int().nonnegative(),
  counted: z.int().nonnegative(),
  postponed: z.int().nonnegative().default(0),
});
/** Per message: failures, failures that used a try, and postponements. */
export type RetryCounts = z.infer<typeof countsSchema>;
/** Why a message is redelivered: a failure without (`spared`) or with (`counted`) use of a try, or a postponement. */
export type RetryKind = 'spared' | 'counted' | 'postponed';

/** Counts the retries of a message. The broker's delivery count is not usable, because it includes redeliveries after a crash. */
export interface RetryCounter {
  count(messageId: string): Promise<RetryCounts>;
  /** Adds one and returns the new counts. Only the replica that handles the message calls this, so calls do not overlap. */
  add(messageId: string, retry: RetryKind): Promise<RetryCounts>;
}

export const NO_RETRIES: RetryCounts = { faults: 0, counted: 0, postponed: 0 };

/** The counts after one more retry. Pure. */
export function addRetry({ faults, counted, postponed }: RetryCounts, retry: RetryKind): RetryCounts {
  if (retry === 'postponed') return { faults, counted, postponed: postponed + 1 };
  return { faults: faults + 1, counted: retry === 'counted' ? counted + 1 : counted, postponed };
}

const TTL_MS = 7 * 24 * 60 * 60 * 1000;
const keyOf = (messageId: string): string => createHash('sha256').update(messageId).digest('hex');

/** Resets the retries of a message. */
export async function clearRetries(connection: NatsConnection, messageId: string): Promise<void> {
  await (await new Kvm(connection).open('faults')).delete(keyOf(messageId));
}

export async function openRetryCounter(connection: NatsConnection, replicas = 1): Promise<RetryCounter> {
  const bucket = await createOrOpen(() => new Kvm(connection).create('faults', { history: 1, ttl: TTL_MS, replicas }));
  const count = async (messageId: string): Promise<RetryCounts> => {
    const entry = await bucket.get(keyOf(messageId));
    return entry?.operation === 'PUT' ? countsSchema.parse(entry.json()) : NO_RETRIES;
  };
  return {
    count,
    add: async (messageId, retry) => {
      const next = addRetry(await count(messageId), retry);
      await bucket.put(keyOf(messageId), JSON.stringify(next));
      return next;
    },
  };
}
