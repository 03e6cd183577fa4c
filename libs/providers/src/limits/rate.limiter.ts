import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { logEvent, type ProviderLog, spanEvent } from '../provider.events.js';
import { MAX_RETRY_AFTER_MS } from '../failures/retry.after.js';
import { changeShared, type SharedState } from './shared.state.js';
import {
  LEASE_MS,
  limitsOf,
  take,
  type Taken,
  type TokenLimits,
  type TokenState,
  tokenStateSchema,
} from './token.bucket.js';

export type CallKind = 'create' | 'call';
export interface RateLimiterOptions {
  /** Name of the limits in the store. Limiters with the same name share them. Default: limits without a name. */
  readonly scope?: string;
  readonly createsPerMinute: number;
  readonly callsPerMinute: number;
  /** Shares the limits and the cool-down among all replicas. Default: limits of this process only. */
  readonly store?: SharedState;
  readonly log?: ProviderLog;
  /** Clock, ms. Default: `Date.now`. */
  readonly now?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** In [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
}

/** The share of the limits that each process uses while the store is unavailable. Safe for up to four replicas. */
export const LOCAL_SHARE = 0.25;
/** After a failure of the store, the limiter does not use it for this long, ms. */
const STORE_RETRY_MS = 5000;
/** After a cool-down, calls resume spread over half its length, at most this long, ms. */
const MAX_SPREAD_MS = 2000;
const coolDownSchema = z.object({ untilMs: z.number(), lengthMs: z.number().nonnegative() });

interface Lease {
  readonly kind: CallKind;
  readonly whole: TokenLimits;
  readonly local: TokenLimits;
  own: TokenState | undefined;
  tokens: number;
  expiresMs: number;
  /** Tokens used of the current lease; the forecast for the next one. */
  spent: number;
  waiting: number;
  refill: Promise<number> | undefined;
}

/** Limits calls with a token bucket per kind of call and one cool-down for both. Leases a few tokens at a time from the store. */
export class RateLimiter {
  readonly #bucket: string;
  readonly #coolDown: string;
  readonly #leases: Readonly<Record<CallKind, Lease>>;
  readonly #store: SharedState | undefined;
  readonly #log: ProviderLog | undefined;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  readonly #stop: () => void;
  #coolUntil = 0;
  #spreadMs = 0;
  #localUntil = 0;

  constructor(options: RateLimiterOptions) {
    const { scope } = options;
    const signals = scope === undefined ? 'signal.cooldown' : `signal.${scope}`;
    this.#coolDown = scope === undefined ? `${signals}.provider` : `${signals}.cooldown`;
    this.#bucket = scope === undefined ? 'bucket' : `bucket.${scope}`;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#sleep = options.sleep ?? ((ms, signal) => delay(ms, undefined, { signal }));
    this.#store = options.store;
    this.#log = options.log;
    const lease = (kind: CallKind, perMinute: number): Lease => ({
      kind,
      whole: limitsOf(perMinute),
      local: limitsOf(perMinute, LOCAL_SHARE),
      own: undefined,
      tokens: 0,
      expiresMs: 0,
      spent: 0,
      waiting: 0,
      refill: undefined,
    });
    this.#leases = { create: lease('create', options.createsPerMinute), call: lease('call', options.callsPerMinute) };
    this.#stop =
      this.#store?.watch(signals, (_key, value) => {
        const { data } = coolDownSchema.safeParse(value);
        // Never longer than the requested pause: the other replica's clock may be wrong.
        if (data !== undefined)
          this.#startCoolDown(Math.min(data.untilMs - this.#now(), data.lengthMs), data.lengthMs, 'shared');
      }) ?? ((): void => undefined);
  }

  /** Resolves when one call of this kind may be sent. Throws `CANCELED` when the signal is aborted first. */
  async acquire(kind: CallKind, signal: AbortSignal): Promise<void> {
    const lease = this.#leases[kind];
    for (;;) {
      if (signal.aborted) throw new ClipmeshError('CANCELED', 'canceled while waiting for the rate limit');
      const coolMs = this.#coolUntil - this.#now();
      let waitMs = coolMs > 0 ? coolMs + this.#random() * this.#spreadMs : await this.#take(lease);
      if (waitMs === 0 && this.#coolUntil > this.#now()) {
        // A cool-down began meanwhile: return the token.
        lease.tokens += 1;
        waitMs = 1;
      }
      if (waitMs === 0) return;
      spanEvent('provider.limit.wait', { kind, waitMs, coolingDown: coolMs > 0 });
      try {
        await this.#sleep(waitMs, signal);
      } catch (cause) {
        throw new ClipmeshError('CANCELED', 'canceled while waiting for the rate limit', { cause });
      }
    }
  }

  /** Stops calls of both kinds in all replicas for `ms`. Never shortens a longer cool-down. Never rejects. */
  async coolDown(ms: number): Promise<void> {
    const lengthMs = Math.min(ms, MAX_RETRY_AFTER_MS);
    const untilMs = this.#now() + lengthMs;
    this.#startCoolDown(lengthMs, lengthMs, 'own');
    if (this.#store === undefined) return;
    try {
      await changeShared(this.#store, this.#coolDown, coolDownSchema, (state) => ({
        state: state !== undefined && state.untilMs >= untilMs ? undefined : { untilMs, lengthMs },
        result: undefined,
      }));
    } catch (error) {
      logEvent(
        this.#log,
        'warn',
        'provider.cooldown.alone',
        { reason: String(error) },
        'the cool-down could not be shared',
      );
    }
  }

  /** Returns leased tokens and stops listening. Never rejects. */
  async close(): Promise<void> {
    this.#stop();
    const store = this.#store;
    if (store === undefined) return;
    await Promise.allSettled(
      Object.values(this.#leases).map(async (lease) => {
        const left = this.#now() < lease.expiresMs ? lease.tokens : 0;
        lease.tokens = 0;
        if (left === 0) return;
        await changeShared(store, `${this.#bucket}.${lease.kind}`, tokenStateSchema, (state) => ({
          state: state && { ...state, tokens: Math.min(lease.whole.capacity, state.tokens + left) },
          result: undefined,
        }));
      }),
    );
  }

  #startCoolDown(ms: number, lengthMs: number, origin: 'own' | 'shared'): void {
    const untilMs = this.#now() + ms;
    if (ms <= 0 || untilMs <= this.#coolUntil) return;
    this.#coolUntil = untilMs;
    this.#spreadMs = Math.min(MAX_SPREAD_MS, lengthMs / 2);
    const fields = { ms: Math.round(ms), origin };
    logEvent(this.#log, 'warn', 'provider.cooldown', fields, 'the provider asked to slow down; calls pause');
  }

  /** Takes a token and resolves with 0, or resolves with the ms until the next one. */
  async #take(lease: Lease): Promise<number> {
    if (this.#use(lease)) return 0;
    lease.waiting += 1;
    try {
      for (;;) {
        lease.refill ??= this.#refill(lease).finally(() => {
          lease.refill = undefined;
        });
        const waitMs = await lease.refill;
        if (this.#use(lease)) return 0;
        if (waitMs > 0) return waitMs;
      }
    } finally {
      lease.waiting -= 1;
    }
  }

  #use(lease: Lease): boolean {
    if (lease.tokens < 1 || this.#now() >= lease.expiresMs) return false;
    lease.tokens -= 1;
    lease.spent += 1;
    return true;
  }

  /** Leases tokens for the waiting and recent calls. Resolves with the ms until tokens are available, 0 when leased. */
  async #refill(lease: Lease): Promise<number> {
    const now = this.#now();
    const recent = now < lease.expiresMs + LEASE_MS ? lease.spent : 0;
    const want = Math.min(lease.whole.capacity, Math.max(1, lease.waiting, recent));
    const { granted, waitMs } = await this.#lease(lease, want);
    if (granted === 0) return waitMs;
    lease.tokens = granted;
    lease.spent = 0;
    // Counted from before the request: a slow response must not extend the lease.
    lease.expiresMs = Math.max(now + LEASE_MS, this.#now() + 1);
    return 0;
  }

  async #lease(lease: Lease, want: number): Promise<Taken> {
    const store = this.#store;
    if (store !== undefined && this.#now() >= this.#localUntil) {
      try {
        return await changeShared(store, `${this.#bucket}.${lease.kind}`, tokenStateSchema, (state) => {
          const result = take(state, lease.whole, this.#now(), want);
          return { state: result.granted === 0 ? undefined : result.state, result };
        });
      } catch (error) {
        this.#localUntil = this.#now() + STORE_RETRY_MS;
        const fields = { share: LOCAL_SHARE, reason: String(error) };
        logEvent(
          this.#log,
          'warn',
          'provider.limit.alone',
          fields,
          'the shared limits are unavailable; this process uses its share of them',
        );
      }
    }
    const taken = take(lease.own, store === undefined ? lease.whole : lease.local, this.#now(), want);
    if (taken.granted > 0) lease.own = taken.state;
    else lease.own ??= taken.state;
    return taken;
  }
}
