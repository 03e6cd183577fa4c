import { type ConnectionOptions } from '@nats-io/transport-node';
import { backoffMs } from '../timing/backoff.js';

/** First and longest delay between two reconnect attempts, ms. */
export interface ReconnectPace {
  /** Default: 250. */
  readonly reconnectFirstMs?: number | undefined;
  /** Default: 5000. */
  readonly reconnectMaxMs?: number | undefined;
}

const FIRST_MS = 250;
const MAX_MS = 5000;

/** Delay after `failures` consecutive failures (from 1), ms. Doubles up to the maximum; `random` in [0, 1) gives half of it as jitter. */
export function reconnectDelayMs(
  failures: number,
  { reconnectFirstMs = FIRST_MS, reconnectMaxMs = MAX_MS }: ReconnectPace,
  random: number,
): number {
  return backoffMs({ firstDelayMs: reconnectFirstMs, maxDelayMs: reconnectMaxMs }, Math.max(failures, 1), random);
}

/** Reconnect callbacks of nats.js. */
export type ReconnectHandlers = Required<Pick<ConnectionOptions, 'reconnectDelayHandler' | 'reconnectToServer'>>;

/**
 * Back-off of one connection. nats.js reads the delay several times between two attempts, so it changes only with an attempt.
 * An attempt long after the previous one follows a connected period and resets the delay.
 */
export function reconnectHandlers(
  pace: ReconnectPace,
  now: () => number = () => performance.now(),
  random: () => number = Math.random,
): ReconnectHandlers {
  const { reconnectMaxMs = MAX_MS } = pace;
  let tries = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let delayMs = reconnectDelayMs(1, pace, random());
  return {
    reconnectDelayHandler: () => delayMs,
    // Called once before each attempt. null lets nats.js choose the server.
    reconnectToServer: () => {
      tries = now() - lastMs > 2 * reconnectMaxMs ? 1 : tries + 1;
      lastMs = now();
      delayMs = reconnectDelayMs(tries, pace, random());
      return null;
    },
  };
}
