import { type Clock, systemClock } from './clock.js';

export interface EveryOptions {
  /** Default: the system clock. */
  readonly clock?: Pick<Clock, 'sleep'>;
  /** True: the first run starts immediately. Default: false, after the first interval. */
  readonly immediate?: boolean;
  /** Receives the error of each failed run. */
  readonly onError: (error: unknown) => void;
}

export interface Periodic {
  /** Aborts the current run and waits for it. No other run starts. */
  readonly stop: () => Promise<void>;
}

/**
 * Runs `work` periodically. A pause of `intervalMs` follows each run, so runs never overlap. A failed run is reported and
 * does not stop the series.
 */
export function every(
  intervalMs: number,
  work: (signal: AbortSignal) => Promise<unknown>,
  { clock = systemClock, immediate = false, onError }: EveryOptions,
): Periodic {
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
  };
  const loop = async (): Promise<void> => {
    if (immediate) await run();
    for (;;) {
      await clock.sleep(intervalMs, signal);
      await run();
    }
  };
  // Rejects only when the clock is aborted by `stop`.
  const running = loop().catch(() => undefined);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
