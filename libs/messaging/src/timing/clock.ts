import { setTimeout as delay } from 'node:timers/promises';

/** The time source of the actors. Simulations replace it. */
export interface Clock {
  /** Ms since the epoch, UTC. */
  now(): number;
  /** Rejects with the reason of the signal when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};
