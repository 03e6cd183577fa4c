import { type ConnectionOptions } from '@nats-io/transport-node';

/** First and longest pause between two tries, ms. */
export interface ReconnectPace {
  /** Default: 250. */
  readonly reconnectFirstMs?: number | undefined;
  /** Default: 5000. */
  readonly reconnectMaxMs?: number | undefined;
}

const FIRST_MS = 250;
const MAX_MS = 5000;

/** Pause after so many failures in a row (1 = after the first): doubles up to the maximum; a random half of it is jitter. */
export function reconnectDelayMs(
  failures: number,
  { reconnectFirstMs = FIRST_MS, reconnectMaxMs = MAX_MS }: ReconnectPace,
  random: number,
): number {
  // 2^30 is beyond every maximum and still a number.
  const ceiling = Math.min(reconnectFirstMs * 2 ** Math.min(Math.max(failures, 1) - 1, 30), reconnectMaxMs);
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/** What nats.js asks while a connection is away. */
export type ReconnectHandlers = Required<Pick<ConnectionOptions, 'reconnectDelayHandler' | 'reconnectToServer'>>;

/**
 * Backs one connection off. nats.js asks for the pause several times between two tries, so it changes only with a try. A
 * try that comes long after the one before it follows a time with a connection: the pauses begin again at the first.
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
    // Called once before each try; null leaves the choice of the server to nats.js.
    reconnectToServer: () => {
      tries = now() - lastMs > 2 * reconnectMaxMs ? 1 : tries + 1;
      lastMs = now();
      delayMs = reconnectDelayMs(tries, pace, random());
      return null;
    },
  };
}
