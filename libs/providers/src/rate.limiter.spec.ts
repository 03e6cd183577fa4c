import { describe, expect, it } from '@jest/globals';
import { sharedMemory } from '../test/shared.memory.js';
import { RateLimiter, SHARE_ALONE } from './rate.limiter.js';

const never = new AbortController().signal;
const hold = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('limiters of many replicas', () => {
  it('let out no more together than one alone', async () => {
    const store = sharedMemory();
    const limiters = [1, 2, 3].map(() => new RateLimiter({ createsPerMinute: 60, callsPerMinute: 3000, store }));
    const stop = AbortSignal.timeout(600);
    const startedMs = Date.now();
    let calls = 0;
    const caller = async (limiter: RateLimiter): Promise<void> => {
      while (!stop.aborted) {
        try {
          await limiter.acquire('call', stop);
          calls += 1;
        } catch (error) {
          expect(error).toMatchObject({ code: 'CANCELED' });
        }
      }
    };
    await Promise.all(limiters.flatMap((limiter) => [caller(limiter), caller(limiter)]));
    const elapsedMs = Date.now() - startedMs;
    expect(calls).toBeGreaterThanOrEqual(50);
    expect(calls).toBeLessThanOrEqual(50 + Math.ceil(elapsedMs * 0.05) + 1);
  });

  it('all pause for a cool-down that one was told of, for as long as it says, and come back one by one', async () => {
    const store = sharedMemory();
    let clock = 10_000;
    const waits: number[] = [];
    const make = (share: number): RateLimiter =>
      new RateLimiter({
        createsPerMinute: 600,
        callsPerMinute: 3000,
        store,
        now: () => clock,
        random: () => share,
        sleep: (ms) => {
          waits.push(ms);
          clock += ms;
          return Promise.resolve();
        },
      });
    const [first, second, third] = [make(0), make(0.5), make(1)];
    await first.coolDown(3000);
    await second.coolDown(100);
    await second.acquire('create', never);
    expect(waits).toEqual([3000 + 0.5 * 1500]);
    clock = 10_000;
    await third.acquire('call', never);
    expect(waits.at(-1)).toBe(4500);
  });

  it('keep to their share while the store is away, and give back what they leased', async () => {
    const store = sharedMemory();
    let clock = 10_000;
    const make = (): RateLimiter =>
      new RateLimiter({ createsPerMinute: 600, callsPerMinute: 3000, store, now: () => clock });
    const countUntil = async (limiter: RateLimiter): Promise<number> => {
      for (let calls = 0; ; calls += 1) {
        const limit = new AbortController();
        const asked = limiter.acquire('call', limit.signal).then(
          () => true,
          () => false,
        );
        if (await Promise.race([asked, hold(20).then(() => false)])) continue;
        limit.abort();
        await asked;
        return calls;
      }
    };
    store.away = true;
    expect(await countUntil(make())).toBe(Math.floor(50 * SHARE_ALONE));
    store.away = false;
    clock += 60_000;
    const [one, two] = [make(), make()];
    await Promise.all(Array.from({ length: 10 }, () => one.acquire('call', never)));
    await Promise.all([1, 2].map(() => one.acquire('call', never)));
    await one.close();
    expect(await countUntil(two)).toBe(38);
  });
});
