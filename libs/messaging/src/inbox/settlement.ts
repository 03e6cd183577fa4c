import { ClipmeshError, type FailureCode, failureKind } from '@clipmesh/contracts';
import { type RetryKind } from './retry.counter.js';
import { type Postponed } from './postponed.js';
import { type Backoff, backoffMs } from '../timing/backoff.js';

/** Maximum number of tries, and the exponential back-off between them, ms. */
export interface RetryPolicy extends Backoff {
  readonly maxTries: number;
  /**
   * By failure code: until a message has this age, ms, a failure with the code uses no try. For failures outside the work, such
   * as rate limits and unavailable stores.
   */
  readonly patienceMs?: Readonly<Partial<Record<FailureCode, number>>>;
  /** For handlers that throw {@link Postponed}. Default: the delays above, without an age limit. */
  readonly postpone?: Backoff & {
    /** Age at which a postponed message is given up, ms. */
    readonly forMs: number;
  };
}

/** Earlier deliveries of a message. */
export interface DeliveryHistory {
  /** Number of the current try, from 1. Each counted failure adds 1. */
  readonly tries: number;
  /** Failures so far, counted or spared. */
  readonly failures: number;
  /** Postponements so far. Default: 0. */
  readonly postponed?: number;
  /** Time since the broker stored the message, ms. */
  readonly ageMs: number;
}

/** How a handler ended. */
export type Outcome =
  | { readonly kind: 'returned' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'postponed'; readonly error: Postponed }
  | { readonly kind: 'canceled' }
  | { readonly kind: 'shutdown' };

/** How a message is settled. */
export type Settlement =
  /** Publish the returned messages (none after a cancel), then ack. */
  | { readonly kind: 'ack' }
  /**
   * Redeliver after the delay. `none`: at shutdown. `spared` and `postponed` use no try.
   */
  | { readonly kind: 'nak'; readonly delayMs: number; readonly retry: 'none' | RetryKind }
  /** Publish the failure event and the dead letter, then term. */
  | { readonly kind: 'give-up' };

/** Whether a handler that throws this error now is on its last try. */
export function isLastTry(error: unknown, history: DeliveryHistory, policy: RetryPolicy): boolean {
  return settle({ kind: 'failed', error }, history, policy, 0).kind === 'give-up';
}

/** Decides the settlement from the outcome and the delivery history. Pure. */
export function settle(outcome: Outcome, history: DeliveryHistory, policy: RetryPolicy, random: number): Settlement {
  switch (outcome.kind) {
    case 'returned':
    case 'canceled':
      return { kind: 'ack' };
    case 'shutdown':
      return { kind: 'nak', delayMs: 0, retry: 'none' };
    case 'postponed': {
      const { firstDelayMs, maxDelayMs, forMs } = { ...policy, forMs: Infinity, ...policy.postpone };
      if (history.ageMs >= forMs) return { kind: 'give-up' };
      const pauseMs = backoffMs({ firstDelayMs, maxDelayMs }, (history.postponed ?? 0) + 1, random);
      return { kind: 'nak', delayMs: Math.max(0, outcome.error.delayMs) + pauseMs, retry: 'postponed' };
    }
    case 'failed': {
      const { error } = outcome;
      const { tries, failures, ageMs } = history;
      const { code, retryable } = failureKind(error);
      if (!retryable) return { kind: 'give-up' };
      const spared = ageMs < (policy.patienceMs?.[code] ?? 0);
      if (!spared && tries >= policy.maxTries) return { kind: 'give-up' };
      const after = error instanceof ClipmeshError ? (error.retryAfterMs ?? 0) : 0;
      const delayMs = Math.max(after, backoffMs(policy, failures + 1, random));
      return { kind: 'nak', delayMs, retry: spared ? 'spared' : 'counted' };
    }
  }
}
