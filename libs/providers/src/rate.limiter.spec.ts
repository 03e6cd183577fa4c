import { describe, expect, it } from '@jest/globals';
import { sharedMemory } from '../test/shared.memory.js';
import { RateLimiter, SHARE_ALONE } from './rate.limiter.js';

const never = new AbortController().signal;

/** Time goes on only when everybody sleeps. */
class VirtualClock {
  private ms = 10_000;
  private readonly sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();
  readonly options = {
    now: (): number => this.ms,
    sleep: (ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
        this.sleepers.add({ atMs: this.ms + ms, wake: resolve });
      }),
  };

  async advance(byMs: number): Promise<void> {
    const endMs = this.ms + byMs;
    for (;;) {
      // All that can go on without time does.
      await new Promise(setImmediate);
      const [next] = [...this.sleepers].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.sleepers.delete(next);
      this.ms = Math.max(this.ms, next.atMs);
      next.wake();
    }
    this.ms = endMs;
  }
}

describe('limiters of many replicas', () => {
  it('let out no more together than one alone', async () => {
    const store = sharedMemory();
    const clock = new VirtualClock();
    const limiters = [1, 2, 3].map(
      () => new RateLimiter({ createsPerMinute: 60, callsPerMinute: 3000, store, ...clock.options }),
    );
    const stop = new AbortController();
    let calls = 0;
    const caller = async (limiter: RateLimiter): Promise<void> => {
      try {
        for (;;) {
          await limiter.acquire('call', stop.signal);
          calls += 1;
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'CANCELED' });
      }
    };
    const callers = limiters.flatMap((limiter) => [caller(limiter), caller(limiter)]);
    await clock.advance(600);
    stop.abort();
    await Promise.all(callers);
    // 50 at once, then 50 a second; what each of the three has leased at the end may be unused.
    expect(calls).toBeGreaterThanOrEqual(70);
    expect(calls).toBeLessThanOrEqual(50 + 30 + 1);
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
    /** Whoever has to wait is canceled. */
    const sleep = (): Promise<never> => Promise.reject(new Error('no token is left'));
    const make = (): RateLimiter =>
      new RateLimiter({ createsPerMinute: 600, callsPerMinute: 3000, store, now: () => clock, sleep });
    const countUntil = async (limiter: RateLimiter): Promise<number> => {
      for (let calls = 0; ; calls += 1) {
        const got = await limiter.acquire('call', never).then(
          () => true,
          () => false,
        );
        if (!got) return calls;
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
