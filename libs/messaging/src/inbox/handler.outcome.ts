import { ClipmeshError } from '@clipmesh/contracts';
import { type JsMsg } from '@nats-io/jetstream';
import { Postponed } from './postponed.js';
import { type Outcome } from './settlement.js';

/** Deliveries without a recorded retry after which a message is given up, because it probably crashes the process. */
export const MAX_DELIVERIES = 50;

export type StopReason = 'canceled' | 'timeout' | 'shutdown';

/** Time since the broker stored the message, ms. Compares the clocks of two hosts. */
export function ageMs(message: JsMsg): number {
  return Math.max(0, Date.now() - message.info.timestampNanos / 1e6);
}

export function poisoned(deliveries: number): Outcome {
  const error = new ClipmeshError(
    'REDELIVERED_TOO_OFTEN',
    `delivered ${deliveries} times without settlement; handling it probably crashes the process`,
  );
  return { kind: 'failed', error };
}

export function outcomeOf(stopped: StopReason | undefined, error: unknown): Outcome {
  if (stopped === 'canceled' || stopped === 'shutdown') return { kind: stopped };
  if (stopped === 'timeout')
    return {
      kind: 'failed',
      error: new ClipmeshError('TIMEOUT', 'the work did not finish within its deadline', {
        cause: error,
        charges: error instanceof ClipmeshError ? error.charges : [],
      }),
    };
  if (error instanceof Postponed) return { kind: 'postponed', error };
  return { kind: 'failed', error };
}
