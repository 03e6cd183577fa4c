import { type Clock, systemClock } from './clock.js';

export interface EveryOptions {
  /** Default: the time of this machine. */
  readonly clock?: Pick<Clock, 'sleep'>;
  /** True: the first turn begins at once. Default: false, after the first interval. */
  readonly immediate?: boolean;
  /** Called with the error of a turn that failed. */
  readonly onError: (error: unknown) => void;
}

export interface Periodic {
  /** Aborts the turn that runs, waits for its end, and starts no other. */
  readonly stop: () => Promise<void>;
}

/**
 * Runs `work` again and again, one turn at a time: the pause of `intervalMs` begins when a turn has ended, so that turns
 * never overlap. A turn that fails is reported, and the next one follows after the pause.
 */
export function every(
  intervalMs: number,
  work: (signal: AbortSignal) => Promise<unknown>,
  { clock = systemClock, immediate: atOnce = false, onError: failed }: EveryOptions,
): Periodic {
  const stopping = new AbortController();
  const { signal } = stopping;
  const turn = async (): Promise<void> => {
    try {
      await work(signal);
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
  };
  const loop = async (): Promise<void> => {
    if (atOnce) await turn();
    for (;;) {
      await clock.sleep(intervalMs, signal);
      await turn();
    }
  };
  // Only the clock rejects, when the loop is stopped.
  const running = loop().catch(() => undefined);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
