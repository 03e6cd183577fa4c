import { ClipmeshError, type FailureCode, failureKind } from '@clipmesh/contracts';
import { type RetryKind } from './faults.js';
import { type Postponed } from './postponed.js';

/** Attempts and the exponential back-off between them, ms. */
export interface RetryPolicy {
  readonly maxTries: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /**
   * Faults that say nothing against the work, a rate limit or a store that is away: until a message is this old, ms, one of
   * them uses up no attempt.
   */
  readonly patienceMs?: Readonly<Partial<Record<FailureCode, number>>>;
  /** For a handler that throws {@link Postponed}. Default: the pauses above, without an end. */
  readonly postpone?: {
    /** Pause after the first time, ms; doubled each time. */
    readonly firstDelayMs: number;
    readonly maxDelayMs: number;
    /** A message that is postponed at this age is given up, ms. */
    readonly forMs: number;
  };
}

/** How often a message was tried. */
export interface DeliveryHistory {
  /** 1 = first; one more for each fault that counts. */
  readonly tries: number;
  /** Faults so far, counted or not. */
  readonly failures: number;
  /** How often it was postponed. Default: 0. */
  readonly postponed?: number;
  /** Time since the message was stored at the broker, ms. */
  readonly ageMs: number;
}

/** How a handler ended. */
export type Outcome =
  | { readonly kind: 'returned' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'postponed'; readonly error: Postponed }
  | { readonly kind: 'canceled' }
  | { readonly kind: 'shutdown' };

/** What becomes of the message. */
export type Settlement =
  /** Publish what was returned (nothing after a cancel), then ack. */
  | { readonly kind: 'ack' }
  /**
   * Deliver again after the delay. A hand-back at shutdown is no fault. A fault that is `spared`, and a message that is
   * `postponed`, use up no attempt.
   */
  | { readonly kind: 'nak'; readonly delayMs: number; readonly retry: 'none' | RetryKind }
  /** Failure event and dead letter, then term. */
  | { readonly kind: 'give-up' };

/** Exponential back-off with full jitter on its upper half: between half and the whole of min(first * 2^(fault-1), max). `random` is in [0, 1). */
export function backoffMs(
  policy: Pick<RetryPolicy, 'firstDelayMs' | 'maxDelayMs'>,
  fault: number,
  random: number,
): number {
  const ceiling = Math.min(policy.firstDelayMs * 2 ** (fault - 1), policy.maxDelayMs);
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/** Whether a handler that throws this error now has had its last try. */
export function isLastTry(error: unknown, tries: DeliveryHistory, policy: RetryPolicy): boolean {
  return settle({ kind: 'failed', error }, tries, policy, 0).kind === 'give-up';
}

/** The whole settlement: one pure function of the outcome and of what was tried before. */
export function settle(outcome: Outcome, tries: DeliveryHistory, policy: RetryPolicy, random: number): Settlement {
  switch (outcome.kind) {
    case 'returned':
    case 'canceled':
      return { kind: 'ack' };
    case 'shutdown':
      return { kind: 'nak', delayMs: 0, retry: 'none' };
    case 'postponed': {
      const { firstDelayMs, maxDelayMs, forMs } = { ...policy, forMs: Infinity, ...policy.postpone };
      if (tries.ageMs >= forMs) return { kind: 'give-up' };
      const pauseMs = backoffMs({ firstDelayMs, maxDelayMs }, (tries.postponed ?? 0) + 1, random);
      return { kind: 'nak', delayMs: Math.max(0, outcome.error.delayMs) + pauseMs, retry: 'postponed' };
    }
    case 'failed': {
      const { error } = outcome;
      const { tries: attempt, failures: faults, ageMs } = tries;
      const { code, retryable } = failureKind(error);
      if (!retryable) return { kind: 'give-up' };
      const spared = ageMs < (policy.patienceMs?.[code] ?? 0);
      if (!spared && attempt >= policy.maxTries) return { kind: 'give-up' };
      const after = error instanceof ClipmeshError ? (error.retryAfterMs ?? 0) : 0;
      const delayMs = Math.max(after, backoffMs(policy, faults + 1, random));
      return { kind: 'nak', delayMs, retry: spared ? 'spared' : 'counted' };
    }
  }
}
