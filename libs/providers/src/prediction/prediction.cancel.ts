import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { type ClipProvider, type Operation, type PredictionState } from '../ports.js';
import { isFinal } from './prediction.outcome.js';
import { spanEvent } from '../provider.events.js';

export interface CancelDeps {
  /**
   * Sends the cancel. Resolves with the final state if the answer says it. Throws `PROVIDER_BAD_INPUT` when it is refused, perhaps
   * because the prediction has ended.
   */
  readonly send: (operation: Operation, signal: AbortSignal) => Promise<PredictionState | undefined>;
  readonly get: ClipProvider['get'];
  /** Time limit of the cancel call, including its wait for the rate limit, ms. Default: 60,000. */
  readonly callTimeoutMs?: number;
}

const CALL_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 10_000;
const GAP_MS = 200;

/** Creates the `cancel` of a provider. */
export function createCanceler({
  send,
  get,
  callTimeoutMs: callMs = CALL_TIMEOUT_MS,
}: CancelDeps): ClipProvider['cancel'] {
  /** Polls until the state is final. Retries retryable errors until the time limit. */
  async function finalState(operation: Operation): Promise<PredictionState> {
    const limit = AbortSignal.timeout(END_TIMEOUT_MS);
    let last: unknown;
    for (let gapMs = GAP_MS; ; gapMs *= 1.5) {
      try {
        const state = await get(operation, limit);
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
          `canceled prediction ${operation.id} did not end within ${END_TIMEOUT_MS} ms`,
          {
            cause: last,
          },
        );
    }
  }

  /** Requests the cancel. Resolves with the final state when the prediction had ended already. */
  async function request(operation: Operation, signal: AbortSignal): Promise<PredictionState | undefined> {
    try {
      return await send(operation, signal);
    } catch (error) {
      // Refused: the prediction may have ended already. If it does not exist, `get` throws too.
      if (!(error instanceof ClipmeshError) || error.code !== 'PROVIDER_BAD_INPUT') throw error;
      const state = await get(operation, signal);
      if (isFinal(state)) return state;
      throw new ClipmeshError('PROVIDER_UNAVAILABLE', error.message, { cause: error });
    }
  }

  return async (operation) => {
    const limit = AbortSignal.timeout(callMs);
    try {
      return (await request(operation, limit)) ?? (await finalState(operation));
    } catch (cause) {
      // Our own time limit ended the call, in a long cool-down for example. The prediction still runs, so this is retryable.
      if (!(cause instanceof ClipmeshError) || cause.code !== 'CANCELED') throw cause;
      throw new ClipmeshError('PROVIDER_TIMEOUT', `prediction ${operation.id} was not canceled within ${callMs} ms`, {
        cause,
      });
    }
  };
}
