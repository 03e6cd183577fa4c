import { setTimeout as delay } from 'node:timers/promises';

/** Time as the actors see it, so that a simulation can be faster than the wall. */
export interface Clock {
  /** Ms since the epoch, UTC. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};
