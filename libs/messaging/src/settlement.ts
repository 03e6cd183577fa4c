import { ClipmeshError, FAILURE_CODES, MessageSchemaError } from '@clipmesh/contracts';

/** Attempts and the exponential back-off between them, ms. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/** How a handler ended. */
export type Outcome =
  | { readonly kind: 'returned' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'canceled' }
  | { readonly kind: 'shutdown' };

/** What becomes of the message. */
export type Settlement =
  /** Publish what was returned (nothing after a cancel), then ack. */
  | { readonly kind: 'ack' }
  /** Deliver again after the delay. A hand-back at shutdown is no fault. */
  | { readonly kind: 'nak'; readonly delayMs: number; readonly fault: boolean }
  /** Failure event and dead letter, then term. */
  | { readonly kind: 'give-up' };

/** Exponential back-off with full jitter on its upper half: between half and the whole of min(first * 2^(fault-1), max). `random` is in [0, 1). */
export function backoffMs(policy: RetryPolicy, fault: number, random: number): number {
  const ceiling = Math.min(policy.firstDelayMs * 2 ** (fault - 1), policy.maxDelayMs);
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

function isRetryable(error: unknown): boolean {
  if (error instanceof MessageSchemaError) return false;
  return error instanceof ClipmeshError ? error.retryable : FAILURE_CODES.INTERNAL.retryable;
}

/** The whole settlement: one pure function of the outcome and of the attempt (1 = first). */
export function settle(outcome: Outcome, attempt: number, policy: RetryPolicy, random: number): Settlement {
  switch (outcome.kind) {
    case 'returned':
    case 'canceled':
      return { kind: 'ack' };
    case 'shutdown':
      return { kind: 'nak', delayMs: 0, fault: false };
    case 'failed': {
      const { error } = outcome;
      if (!isRetryable(error) || attempt >= policy.attempts) return { kind: 'give-up' };
      const after = error instanceof ClipmeshError ? (error.retryAfterMs ?? 0) : 0;
      return { kind: 'nak', delayMs: Math.max(after, backoffMs(policy, attempt, random)), fault: true };
    }
  }
}
