import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { type BreakerBoard } from './breaker.board.js';
import { backOffMs, pollGapMs } from './polling.js';
import { type ClipProvider, type NudgeSource, type PredictionState } from './ports.js';
import { recordStretches } from './prediction.spans.js';
import { healthOf, isFinal } from './prediction.state.js';
import { spanEvent } from './provider.events.js';
import { RunTimes } from './run.times.js';

export interface WaitParts {
  readonly get: ClipProvider['get'];
  readonly breakers: BreakerBoard;
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  readonly nudge: NudgeSource | undefined;
}

/** A pause that a poke ends early, and a poke that came before the pause as well. */
class Pause {
  #poked = false;
  #wake: () => void = () => undefined;

  poke = (): void => {
    this.#poked = true;
    this.#wake();
  };

  /** Lasts until `ms` are over, a poke, or an abort; says whether it was a poke. */
  async rest(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#poked) {
      const woken = new AbortController();
      this.#wake = () => {
        woken.abort();
      };
      await delay(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
    }
    const poked = this.#poked;
    this.#poked = false;
    return poked;
  }
}

/** Waits for predictions: by nudges, and by polls that are timed by how long the model usually runs. */
export function createWaiter(parts: WaitParts): ClipProvider['wait'] {
  const { get, breakers, pollIntervalMs } = parts;
  const runTimes = new RunTimes();

  async function settle(state: PredictionState, since: number): Promise<void> {
    const createdMs = Date.parse(state.createdAt ?? '');
    recordStretches(state, Number.isNaN(createdMs) ? since : createdMs, Date.now());
    if (state.status === 'succeeded') runTimes.learn(state.model, state.startedAt, state.completedAt);
    if (state.model !== undefined) await breakers.tell(state.model, healthOf(state));
  }

  /** What is known of its run, once it runs. */
  function runOf(state: PredictionState): { ranMs: number; usualMs: number } | undefined {
    const usualMs = runTimes.usualMs(state.model);
    const ranMs = Date.now() - Date.parse(state.startedAt ?? '');
    return usualMs === undefined || Number.isNaN(ranMs) ? undefined : { ranMs: Math.max(0, ranMs), usualMs };
  }

  return async (predictionId, { signal, timeoutMs, onProgress, onLog, nudge = parts.nudge }) => {
    const startedMs = Date.now();
    const deadline = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    const pause = new Pause();
    const stopListening = nudge?.(predictionId, pause.poke);
    let failures = 0;
    let loggedMs = 0;
    let last: PredictionState | undefined;
    try {
      for (;;) {
        let gapMs: number;
        try {
          const state = await get(predictionId, either);
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
        if (elapsedMs - loggedMs >= parts.pollLogIntervalMs) {
          loggedMs = elapsedMs;
          onLog?.(elapsedMs);
        }
        if (await pause.rest(gapMs, either)) spanEvent('provider.nudge', { elapsedMs: Date.now() - startedMs });
        if (signal.aborted) throw new ClipmeshError('CANCELED', `waiting for prediction ${predictionId} was canceled`);
        if (deadline.aborted) {
          // One that runs on for ever may do so because of its prompt: it is not bought again from this model, and others go on
          // using it. One that never started says that the service is not well.
          const started = last?.startedAt !== undefined;
          if (last?.model !== undefined) await breakers.tell(last.model, started ? 'neutral' : 'failure');
          const text = `prediction ${predictionId} did not ${started ? 'end' : 'start'} within ${timeoutMs} ms`;
          throw new ClipmeshError('PROVIDER_TIMEOUT', text, { retryable: !started });
        }
      }
    } finally {
      stopListening?.();
    }
  };
}
