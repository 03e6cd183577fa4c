import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import type Replicate from 'replicate';
import { type ClipProvider, type PredictionState } from './ports.js';
import { isFinal } from './prediction.state.js';
import { spanEvent } from './provider.events.js';

export interface CancelParts {
  readonly client: Replicate;
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly get: ClipProvider['get'];
}

/** Longest that the cancel call itself may take, its wait for the rate limit included, ms. */
const CALL_MS = 60_000;
const END_MS = 10_000;
const GAP_MS = 200;

/** Cancels predictions, and tells how they ended. */
export function createCanceler({ client, call, get }: CancelParts): ClipProvider['cancel'] {
  /** The state once it is final. Polls that fail in passing are asked again until the time is over. */
  async function finalState(predictionId: string): Promise<PredictionState> {
    const limit = AbortSignal.timeout(END_MS);
    let last: unknown;
    for (let gapMs = GAP_MS; ; gapMs *= 1.5) {
      try {
        const state = await get(predictionId, limit);
        if (isFinal(state)) return state;
      } catch (error) {
        if (!limit.aborted && !(error instanceof ClipmeshError && error.retryable)) throw error;
        last = error;
        spanEvent('provider.cancel.retry', { reason: String(error) });
      }
      await delay(gapMs, undefined, { signal: limit }).catch(() => undefined);
      if (limit.aborted)
        throw new ClipmeshError(
          'PROVIDER_TIMEOUT',
          `canceled prediction ${predictionId} did not end within ${END_MS} ms`,
          {
            cause: last,
          },
        );
    }
  }

  return async (predictionId) => {
    const signal = AbortSignal.timeout(CALL_MS);
    try {
      await call(() => client.request(`predictions/${predictionId}/cancel`, { method: 'POST', signal }));
    } catch (error) {
      // Refused: it may have ended already, which its state tells; a prediction that is not there fails there as well.
      if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_BAD_INPUT') throw error;
      const state = await get(predictionId, signal);
      if (isFinal(state)) return state;
      throw error;
    }
    return finalState(predictionId);
  };
}
