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
  /** Longest that the cancel call itself may take, its wait for the rate limit included, ms; 60 s unless told. */
  readonly callMs?: number;
}

const CALL_MS = 60_000;
const END_MS = 10_000;
const GAP_MS = 200;

/** Cancels predictions, and tells how they ended. */
export function createCanceler({ client, call, get, callMs = CALL_MS }: CancelParts): ClipProvider['cancel'] {
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

  /** Asks for the end; the state when it had come before. */
  async function request(predictionId: string, signal: AbortSignal): Promise<PredictionState | undefined> {
    try {
      await call(() => client.request(`predictions/${predictionId}/cancel`, { method: 'POST', signal }));
      return undefined;
    } catch (error) {
      // Refused: it may have ended already, which its state tells; a prediction that is not there fails there as well.
      if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_BAD_INPUT') throw error;
      const state = await get(predictionId, signal);
      if (isFinal(state)) return state;
      throw new ClipmeshError('PROVIDER_UNAVAILABLE', error.message, { cause: error });
    }
  }

  return async (predictionId) => {
    const limit = AbortSignal.timeout(callMs);
    try {
      return (await request(predictionId, limit)) ?? (await finalState(predictionId));
    } catch (cause) {
      // Only our own time was over, in a long cool-down, say: the prediction runs on and is to be stopped.
      if (!(cause instanceof ClipmeshError) || cause.code !== 'CANCELED') throw cause;
      throw new ClipmeshError('PROVIDER_TIMEOUT', `prediction ${predictionId} was not canceled within ${callMs} ms`, {
        cause,
      });
    }
  };
}
