import { type FailureCode } from '@clipmesh/contracts';
import { z } from 'zod';

export const breakerStateSchema = z.discriminatedUnion('phase', [
  /** Calls are allowed. `failures`: failures in a row so far. */
  z.object({ phase: z.literal('closed'), failures: z.int().nonnegative() }),
  /** No calls are allowed before `untilMs`, ms since the epoch. */
  z.object({ phase: z.literal('open'), untilMs: z.number() }),
  /** One probe is running. Another is allowed at `probeUntilMs` if the first has no result by then. */
  z.object({ phase: z.literal('half-open'), probeUntilMs: z.number() }),
]);
export type BreakerState = z.infer<typeof breakerStateSchema>;

export interface BreakerSettings {
  /** Failures in a row that open the breaker. */
  readonly failures: number;
  readonly openMs: number;
}

/**
 * `call`: a call is about to be made. `neutral`: an end that says nothing about the model's health, such as a 429, a refusal, a bad input, a
 * cancel, or a failure on one input.
 */
export type BreakerEvent = 'call' | 'success' | 'failure' | 'neutral';

export interface BreakerStep {
  /** The given object itself when nothing changed. */
  readonly state: BreakerState;
  /** For `call`: whether the call may be made. */
  readonly allowed: boolean;
  /** For a refused `call`: ms until the next one may be allowed. */
  readonly waitMs: number;
}

export const CLOSED: BreakerState = { phase: 'closed', failures: 0 };
const FAILURES: ReadonlySet<FailureCode> = new Set(['PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT']);

/** The breaker event for a failed create. `healthOf` gives the event for a prediction that ended. */
export function breakerEventOf(code: FailureCode | undefined): 'failure' | 'neutral' {
  return code !== undefined && FAILURES.has(code) ? 'failure' : 'neutral';
}

/** One step of the circuit breaker of a model. Pure. */
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
      // Calls that were running when the breaker opened add no information.
      if (event !== 'call') return to(state);
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
