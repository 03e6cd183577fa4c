import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type CacheStore, createMemoryStores } from '@clipmesh/persistence';
import { acquire, type LeaseDeps } from './single.flight.js';

const KEY = 'a'.repeat(64);
const LEASE_MS = 60_000;
const BUY_MS = 200_000;
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** Simulates replicas over one store. The scheduler orders the calls; time advances when no call is pending. */
class Replicas {
  now = Date.parse('2026-01-01T00:00:00.000Z');
  readonly store = createMemoryStores().cache;
  readonly dead = new Set<number>();
  readonly buying = new Set<number>();
  purchases = 0;
  private timers: { at: number; fire: () => void }[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly scheduler: fc.Scheduler,
    private readonly losesNudges: boolean,
  ) {}

  private call<T>(replica: number, work: () => Promise<T>): Promise<T> {
    if (this.dead.has(replica)) return never();
    return this.scheduler
      .schedule(Promise.resolve())
      .then(() => (this.dead.has(replica) ? never<T>() : work()))
      .then((value) => (this.dead.has(replica) ? never<T>() : value));
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        reject(new Error('aborted'));
      };
      if (signal?.aborted === true) {
        abort();
        return;
      }
      signal?.addEventListener('abort', abort, { once: true });
      this.timers.push({ at: this.now + ms, fire: resolve });
    });
  }

  depsOf(replica: number): LeaseDeps {
    const { store } = this;
    const calls: CacheStore = {
      get: (key) => this.call(replica, () => store.get(key)),
      create: (entry) => this.call(replica, () => store.create(entry)),
      save: (entry, revision) => this.call(replica, () => store.save(entry, revision)),
      remove: (key, revision) => this.call(replica, () => store.remove(key, revision)),
      all: () => this.call(replica, () => store.all()),
    };
    return {
      store: calls,
      clock: {
        now: () => this.now,
        sleep: (ms, signal) =>
          this.sleep(ms, signal).then(() => (this.dead.has(replica) ? never<undefined>() : undefined)),
      },
      nudges: {
        on: (_key, callback) => {
          this.listeners.add(callback);
          return () => this.listeners.delete(callback);
        },
        notify: () => {
          if (!this.losesNudges) for (const callback of [...this.listeners]) callback();
        },
      },
      leaseMs: LEASE_MS,
      ttlMs: 1e12,
      warn: (error) => {
        throw error;
      },
    };
  }

  /** Requests the clip for one replica. A failed purchase releases the lease. */
  async request(replica: number, fails: boolean): Promise<string> {
    const deps = this.depsOf(replica);
    const acquired = await acquire(
      deps,
      { key: KEY, kind: 'clip', model: 'm', holder: `clip.${replica}` },
      { signal: new AbortController().signal, timeoutMs: 1e9, isValid: () => Promise.resolve(true) },
    );
    if (acquired.kind === 'hit') return acquired.entry.predictionId ?? '';
    this.buying.add(replica);
    if ([...this.buying].filter((one) => !this.dead.has(one)).length > 1)
      throw new Error('two replicas buy at the same time');
    await deps.clock.sleep(BUY_MS);
    this.buying.delete(replica);
    if (fails) {
      await acquired.lease.release();
      return 'failed';
    }
    this.purchases += 1;
    const predictionId = `p${this.purchases}`;
    await acquired.lease.complete({ predictionId });
    return predictionId;
  }

  /** Runs one call or timer. False: nothing is pending. */
  async step(): Promise<boolean> {
    await setImmediate();
    if (this.scheduler.count() > 0) {
      await this.scheduler.waitNext(1);
      return true;
    }
    this.timers.sort((a, b) => a.at - b.at);
    const next = this.timers.shift();
    if (next === undefined) return false;
    this.now = Math.max(this.now, next.at);
    next.fire();
    return true;
  }
}

describe('single flight', () => {
  it('buys once, and at most once more per crashed holder, at any interleaving', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.boolean(), { minLength: 2, maxLength: 5 }),
        fc.array(fc.nat({ max: 60 }), { maxLength: 3 }),
        fc.boolean(),
        async (scheduler, fails, crashes, losesNudges) => {
          const replicas = new Replicas(scheduler, losesNudges);
          const answers: (string | undefined)[] = fails.map(() => undefined);
          const errors: unknown[] = [];
          for (const [replica, isFailing] of fails.entries())
            void replicas.request(replica, isFailing).then(
              (answer) => (answers[replica] = answer),
              (error: unknown) => errors.push(error),
            );
          let killed = 0;
          const due = [...crashes].sort((a, b) => a - b);
          for (let steps = 0; steps < 2000; steps += 1) {
            if (due.length > 0 && steps >= (due[0] ?? 0)) {
              due.shift();
              // Prefers the current holder.
              const [victim = killed] = [...replicas.buying].filter((one) => !replicas.dead.has(one));
              if (victim < fails.length - 1) {
                replicas.dead.add(victim);
                killed += 1;
              }
            }
            if (answers.every((answer, replica) => answer !== undefined || replicas.dead.has(replica))) break;
            if (!(await replicas.step())) break;
          }
          expect(errors).toEqual([]);
          const living = answers.filter((_answer, replica) => !replicas.dead.has(replica));
          expect(living).not.toContain(undefined);
          expect(replicas.purchases).toBeLessThanOrEqual(1 + killed);
          // Every returned clip was bought.
          const clips = new Set(living.filter((answer) => answer !== 'failed'));
          expect(clips.size).toBeLessThanOrEqual(1 + killed);
          if (killed === 0) expect(replicas.purchases).toBe(clips.size);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('stops waiting on cancel and after the timeout', async () => {
    const { cache: store } = createMemoryStores();
    const deps: LeaseDeps = {
      ...new Replicas(fc.schedulerFor([]), false).depsOf(0),
      store,
      clock: { now: () => Date.now(), sleep: (ms, signal) => wait(ms, signal) },
    };
    const requestOf = (holder: string) => ({ key: KEY, kind: 'clip' as const, model: 'm', holder });
    const isSound = (): Promise<boolean> => Promise.resolve(true);
    const noAbort = new AbortController().signal;
    const first = await acquire(deps, requestOf('a'), { signal: noAbort, timeoutMs: 100, isValid: isSound });
    const abort = new AbortController();
    const waiting = acquire(deps, requestOf('b'), { signal: abort.signal, timeoutMs: 10_000, isValid: isSound });
    abort.abort(new Error('canceled'));
    await expect(waiting).rejects.toThrow('canceled');
    await expect(
      acquire(deps, requestOf('b'), { signal: noAbort, timeoutMs: 20, isValid: isSound }),
    ).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
    });
    if (first.kind !== 'lease') throw new Error('expected the lease');
    await first.lease.complete({ predictionId: 'p1' });
    expect(await acquire(deps, requestOf('b'), { signal: noAbort, timeoutMs: 20, isValid: isSound })).toMatchObject({
      kind: 'hit',
      entry: { predictionId: 'p1', holder: 'a' },
    });
  });
});

async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  const { setTimeout: delay } = await import('node:timers/promises');
  await delay(ms, undefined, signal === undefined ? {} : { signal });
}
