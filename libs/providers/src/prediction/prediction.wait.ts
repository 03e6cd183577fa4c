import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { type CircuitBreakers } from '../limits/breaker.registry.js';
import { backOffMs, pollGapMs } from './polling.js';
import { type ClipProvider, type NudgeSource, type PredictionState } from '../ports.js';
import { recordPhases } from './prediction.spans.js';
import { healthOf, isFinal } from './prediction.outcome.js';
import { spanEvent } from '../provider.events.js';
import { RunTimes } from './run.times.js';

export interface WaitDeps {
  readonly get: ClipProvider['get'];
  readonly breakers: CircuitBreakers;
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  readonly nudge: NudgeSource | undefined;
}

/** A pause that a nudge ends early. A nudge from before the pause counts too. */
class NudgeablePause {
  #isNudged = false;
  #wake: () => void = () => undefined;

  nudge = (): void => {
    this.#isNudged = true;
    this.#wake();
  };

  /** Resolves after `ms`, a nudge or an abort, with whether it was a nudge. */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isNudged) {
      const woken = new AbortController();
      this.#wake = () => {
        woken.abort();
      };
      await delay(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
    }
    const isNudged = this.#isNudged;
    this.#isNudged = false;
    return isNudged;
  }
}

/** Creates the `wait` of a provider. It polls at times based on the model's usual run time, and on nudges. */
export function createWaiter(deps: WaitDeps): ClipProvider['wait'] {
  const { get, breakers, pollIntervalMs } = deps;
  const runTimes = new RunTimes();

  async function settle(state: PredictionState, since: number): Promise<void> {
    const createdMs = Date.parse(state.createdAt ?? '');
    recordPhases(state, Number.isNaN(createdMs) ? since : createdMs, Date.now());
    if (state.status === 'succeeded') runTimes.learn(state.model, state.startedAt, state.completedAt);
    if (state.model !== undefined) await breakers.record(state.model, healthOf(state));
  }

  /** The run time so far and the usual one; undefined when either is unknown. */
  function runOf(state: PredictionState): { ranMs: number; usualMs: number } | undefined {
    const usualMs = runTimes.usualMs(state.model);
    const ranMs = Date.now() - Date.parse(state.startedAt ?? '');
    return usualMs === undefined || Number.isNaN(ranMs) ? undefined : { ranMs: Math.max(0, ranMs), usualMs };
  }

  return async (operation, { signal, timeoutMs, onProgress, onLog, nudge = deps.nudge }) => {
    const predictionId = operation.id;
    const startedMs = Date.now();
    const deadline = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    const pause = new NudgeablePause();
    const stopListening = nudge?.(predictionId, pause.nudge);
    let failures = 0;
    let loggedMs = 0;
    let last: PredictionState | undefined;
    try {
      for (;;) {
        let gapMs: number;
        try {
          const state = await get(operation, either);
          failures = 0;
          last = state;
          onProgress?.(state);
          if (isFinal(state)) {
            await settle(state, startedMs);
            return state;
          }
          gapMs = pollGapMs(Date.now() - startedMs, pollIntervalMs, runOf(state));
        } catch (error) {
          if (!either.aborted && !(error instanceof ClipmeshError && error.retryable)) throw error;
          failures += 1;
          gapMs = backOffMs(failures, pollIntervalMs);
          if (!either.aborted) spanEvent('provider.poll.backoff', { failures, waitMs: gapMs, reason: String(error) });
        }
        const elapsedMs = Date.now() - startedMs;
        if (elapsedMs - loggedMs >= deps.pollLogIntervalMs) {
          loggedMs = elapsedMs;
          onLog?.(elapsedMs);
        }
        if (await pause.wait(gapMs, either)) spanEvent('provider.nudge', { elapsedMs: Date.now() - startedMs });
        if (signal.aborted) throw new ClipmeshError('CANCELED', `waiting for prediction ${predictionId} was canceled`);
        if (deadline.aborted) {
          // A prediction that runs too long may do so because of its prompt: it is not retried, and the breaker ignores it. One that
          // never started is a failure of the service.
          const started = last?.startedAt !== undefined;
          if (last?.model !== undefined) await breakers.record(last.model, started ? 'neutral' : 'failure');
          const text = `prediction ${predictionId} did not ${started ? 'end' : 'start'} within ${timeoutMs} ms`;
          throw new ClipmeshError('PROVIDER_TIMEOUT', text, { retryable: !started });
        }
      }
    } finally {
      stopListening?.();
    }
  };
}
