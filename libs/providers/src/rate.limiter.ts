import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';

export type CallKind = 'create' | 'call';
export interface RateLimiterOptions {
  readonly createsPerMinute: number;
  readonly callsPerMinute: number;
  /** Ms of a clock; `Date.now` unless told. */
  readonly now?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

interface Bucket {
  readonly perMs: number;
  readonly capacity: number;
  tokens: number;
  at: number;
}

/** A token bucket per kind of call, holding at most one second's worth, and one cool-down for both. Per process. */
export class RateLimiter {
  readonly #buckets: Readonly<Record<CallKind, Bucket>>;
  readonly #now: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  #coolUntil = 0;

  constructor(options: RateLimiterOptions) {
    this.#now = options.now ?? Date.now;
    this.#sleep = options.sleep ?? ((ms, signal) => delay(ms, undefined, { signal }));
    const bucket = (perMinute: number): Bucket => {
      if (!(perMinute > 0)) throw new RangeError('a rate limit must be above 0 per minute');
      const capacity = Math.max(1, Math.floor(perMinute / 60));
      return { perMs: perMinute / 60_000, capacity, tokens: capacity, at: this.#now() };
    };
    this.#buckets = { create: bucket(options.createsPerMinute), call: bucket(options.callsPerMinute) };
  }

  /** Resolves when one call of this kind may be made. Throws `CANCELED` when the signal is aborted first. */
  async acquire(kind: CallKind, signal: AbortSignal): Promise<void> {
    for (;;) {
      if (signal.aborted) throw new ClipmeshError('CANCELED', 'canceled while waiting for the rate limit');
      const waitMs = this.#take(this.#buckets[kind]);
      if (waitMs === 0) return;
      try {
        await this.#sleep(waitMs, signal);
      } catch (cause) {
        throw new ClipmeshError('CANCELED', 'canceled while waiting for the rate limit', { cause });
      }
    }
  }

  /** No call of either kind for `ms`; a shorter cool-down never shortens a longer one. */
  coolDown(ms: number): void {
    this.#coolUntil = Math.max(this.#coolUntil, this.#now() + ms);
  }

  /** Takes a token and answers 0, or answers how long to wait before asking again, ms. */
  #take(bucket: Bucket): number {
    const now = this.#now();
    bucket.tokens = Math.min(bucket.capacity, bucket.tokens + Math.max(0, now - bucket.at) * bucket.perMs);
    bucket.at = now;
    if (this.#coolUntil > now) return this.#coolUntil - now;
    // A little tolerance, or a rounding error would cost another millisecond's sleep.
    if (bucket.tokens < 1 - 1e-6) return Math.max(1, Math.ceil((1 - bucket.tokens) / bucket.perMs));
    bucket.tokens = Math.max(0, bucket.tokens - 1);
    return 0;
  }
}
