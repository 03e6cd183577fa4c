import { type FailureCode } from '@clipmesh/contracts';
import { z } from 'zod';

export const breakerStateSchema = z.discriminatedUnion('phase', [
  /** Calls go through; so many predictions in a row have failed. */
  z.object({ phase: z.literal('closed'), failures: z.int().nonnegative() }),
  /** Nothing goes through until then, ms since the epoch. */
  z.object({ phase: z.literal('open'), untilMs: z.number() }),
  /** One probe is under way; another may go when it has not been heard of by then. */
  z.object({ phase: z.literal('half-open'), probeUntilMs: z.number() }),
]);
export type BreakerState = z.infer<typeof breakerStateSchema>;

export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
  readonly openMs: number;
}

/** `neutral`: it ended in a way that says nothing about the model's health: a 429, a refusal, a bad input, a cancel, or a failure on one input. */
export type BreakerEvent = 'ask' | 'success' | 'failure' | 'neutral';

export interface BreakerStep {
  /** The very state that was given when nothing changed. */
  readonly state: BreakerState;
  /** Of an `ask`: whether the call may be made. */
  readonly allowed: boolean;
  /** Of a refused `ask`: ms until asking again makes sense. */
  readonly waitMs: number;
}

export const CLOSED: BreakerState = { phase: 'closed', failures: 0 };
const FAILURES: ReadonlySet<FailureCode> = new Set(['PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT']);

/** What the failure of a create says about the health of the model: how its prediction ends is told apart (`healthOf`). */
export function verdictOf(code: FailureCode | undefined): 'failure' | 'neutral' {
  return code !== undefined && FAILURES.has(code) ? 'failure' : 'neutral';
}

/** The circuit breaker of one model. */
export function stepBreaker(
  state: BreakerState,
  event: BreakerEvent,
  nowMs: number,
  settings: BreakerSettings,
): BreakerStep {
  const to = (next: BreakerState, allowed = false): BreakerStep => ({ state: next, allowed, waitMs: 0 });
  const probe: BreakerState = { phase: 'half-open', probeUntilMs: nowMs + settings.openMs };
  const opened: BreakerState = { phase: 'open', untilMs: nowMs + settings.openMs };
  switch (state.phase) {
    case 'closed':
      if (event === 'success') return to(state.failures === 0 ? state : CLOSED);
      if (event !== 'failure') return to(state, true);
      return to(state.failures + 1 >= settings.failures ? opened : { phase: 'closed', failures: state.failures + 1 });
    case 'open':
      // Calls that were under way when it opened tell nothing new.
      if (event !== 'ask') return to(state);
      return nowMs >= state.untilMs ? to(probe, true) : { state, allowed: false, waitMs: state.untilMs - nowMs };
    case 'half-open':
      if (event === 'success') return to(CLOSED);
      if (event === 'failure') return to(opened);
      if (event === 'neutral') return to({ phase: 'half-open', probeUntilMs: nowMs });
      return nowMs >= state.probeUntilMs
        ? to(probe, true)
        : { state, allowed: false, waitMs: state.probeUntilMs - nowMs };
  }
}
