import { describe, expect, it } from '@jest/globals';
import { sharedMemory } from '../../test/shared.memory.js';
import { RateLimiter, LOCAL_SHARE } from './rate.limiter.js';

const never = new AbortController().signal;

/** Time advances only while all callers sleep. */
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
      // Let all work run that needs no time.
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

describe('rate limiters of several replicas', () => {
  it('allow no more calls together than one limiter alone', async () => {
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
    // 50 at once, then 50 a second. Each of the three may have unused leased tokens at the end.
    expect(calls).toBeGreaterThanOrEqual(70);
    expect(calls).toBeLessThanOrEqual(50 + 30 + 1);
  });

  it('all pause for the full length of a shared cool-down, and resume spread out', async () => {
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

  it('use their share while the store is unavailable, and return leased tokens', async () => {
    const store = sharedMemory();
    let clock = 10_000;
    /** Cancels every caller that has to wait. */
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
    expect(await countUntil(make())).toBe(Math.floor(50 * LOCAL_SHARE));
    store.away = false;
    clock += 60_000;
    const [one, two] = [make(), make()];
    await Promise.all(Array.from({ length: 10 }, () => one.acquire('call', never)));
    await Promise.all([1, 2].map(() => one.acquire('call', never)));
    await one.close();
    expect(await countUntil(two)).toBe(38);
  });
});
