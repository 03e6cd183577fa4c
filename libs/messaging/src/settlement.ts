import { ClipmeshError, type FailureCode, failureKind } from '@clipmesh/contracts';

/** Attempts and the exponential back-off between them, ms. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /**
   * Faults that say nothing against the work, a rate limit or a store that is away: until a message is this old, ms, one of
   * them uses up no attempt.
   */
  readonly patienceMs?: Readonly<Partial<Record<FailureCode, number>>>;
}

/** How often a message was tried. */
export interface Tries {
  /** 1 = first; one more for each fault that counts. */
  readonly attempt: number;
  /** Faults so far, counted or not. */
  readonly faults: number;
  /** Time since the message was stored at the broker, ms. */
  readonly ageMs: number;
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
  /** Deliver again after the delay. A hand-back at shutdown is no fault; a fault that is `spared` uses up no attempt. */
  | { readonly kind: 'nak'; readonly delayMs: number; readonly fault: 'none' | 'spared' | 'counted' }
  /** Failure event and dead letter, then term. */
  | { readonly kind: 'give-up' };

/** Exponential back-off with full jitter on its upper half: between half and the whole of min(first * 2^(fault-1), max). `random` is in [0, 1). */
export function backoffMs(policy: RetryPolicy, fault: number, random: number): number {
  const ceiling = Math.min(policy.firstDelayMs * 2 ** (fault - 1), policy.maxDelayMs);
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/** The whole settlement: one pure function of the outcome and of what was tried before. */
export function settle(outcome: Outcome, tries: Tries, policy: RetryPolicy, random: number): Settlement {
  switch (outcome.kind) {
    case 'returned':
    case 'canceled':
      return { kind: 'ack' };
    case 'shutdown':
      return { kind: 'nak', delayMs: 0, fault: 'none' };
    case 'failed': {
      const { error } = outcome;
      const { attempt, faults, ageMs } = tries;
      const { code, retryable } = failureKind(error);
      if (!retryable) return { kind: 'give-up' };
      const spared = ageMs < (policy.patienceMs?.[code] ?? 0);
      if (!spared && attempt >= policy.attempts) return { kind: 'give-up' };
      const after = error instanceof ClipmeshError ? (error.retryAfterMs ?? 0) : 0;
      const delayMs = Math.max(after, backoffMs(policy, faults + 1, random));
      return { kind: 'nak', delayMs, fault: spared ? 'spared' : 'counted' };
    }
  }
}
