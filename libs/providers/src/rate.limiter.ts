import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { note, type ProviderLog, spanEvent } from './provider.events.js';
import { MAX_RETRY_AFTER_MS } from './retry.after.js';
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
  readonly createsPerMinute: number;
  readonly callsPerMinute: number;
  /** Makes the limits and the cool-down those of all replicas together; without it they are this process's own. */
  readonly store?: SharedState;
  readonly log?: ProviderLog;
  /** Ms of a clock; `Date.now` unless told. */
  readonly now?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** 0-1; `Math.random` unless told. */
  readonly random?: () => number;
}

/** What each process allows itself of the whole while the store is away: safe for up to four replicas. */
export const SHARE_ALONE = 0.25;
/** After the store failed it is left alone for this long, ms. */
const ALONE_MS = 5000;
/** After a cool-down calls resume spread over half its length, at most this, ms. */
const MAX_SPREAD_MS = 2000;
const COOL_DOWN = 'signal.cooldown.provider';
const coolDownSchema = z.object({ untilMs: z.number(), lengthMs: z.number().nonnegative() });

interface Lease {
  readonly kind: CallKind;
  readonly whole: TokenLimits;
  readonly alone: TokenLimits;
  own: TokenState | undefined;
  tokens: number;
  expiresMs: number;
  /** Tokens used of the present lease, and so the forecast for the next. */
  spent: number;
  waiting: number;
  refill: Promise<number> | undefined;
}

/** Lets calls out: a token bucket per kind of call and one cool-down for both. Tokens are leased from the store a few at a time. */
export class RateLimiter {
  readonly #leases: Readonly<Record<CallKind, Lease>>;
  readonly #store: SharedState | undefined;
  readonly #log: ProviderLog | undefined;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<unknown>;
  readonly #stop: () => void;
  #coolUntil = 0;
  #spreadMs = 0;
  #aloneUntil = 0;

  constructor(options: RateLimiterOptions) {
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#sleep = options.sleep ?? ((ms, signal) => delay(ms, undefined, { signal }));
    this.#store = options.store;
    this.#log = options.log;
    const lease = (kind: CallKind, perMinute: number): Lease => ({
      kind,
      whole: limitsOf(perMinute),
      alone: limitsOf(perMinute, SHARE_ALONE),
      own: undefined,
      tokens: 0,
      expiresMs: 0,
      spent: 0,
      waiting: 0,
      refill: undefined,
    });
    this.#leases = { create: lease('create', options.createsPerMinute), call: lease('call', options.callsPerMinute) };
    this.#stop =
      this.#store?.watch('signal.cooldown', (_key, value) => {
        const { data } = coolDownSchema.safeParse(value);
        // The other replica's clock may be wrong: never longer than the pause it was asked for.
        if (data !== undefined) this.#cool(Math.min(data.untilMs - this.#now(), data.lengthMs), data.lengthMs, 'told');
      }) ?? ((): void => undefined);
  }

  /** Resolves when one call of this kind may be made. Throws `CANCELED` when the signal is aborted first. */
  async acquire(kind: CallKind, signal: AbortSignal): Promise<void> {
    const lease = this.#leases[kind];
    for (;;) {
      if (signal.aborted) throw new ClipmeshError('CANCELED', 'canceled while waiting for the rate limit');
      const coolMs = this.#coolUntil - this.#now();
      let waitMs = coolMs > 0 ? coolMs + this.#random() * this.#spreadMs : await this.#take(lease);
      if (waitMs === 0 && this.#coolUntil > this.#now()) {
        // A cool-down began meanwhile: the token goes back.
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

  /** No call of either kind, of any replica, for `ms`; a shorter cool-down never shortens a longer one. Never rejects. */
  async coolDown(ms: number): Promise<void> {
    const lengthMs = Math.min(ms, MAX_RETRY_AFTER_MS);
    const untilMs = this.#now() + lengthMs;
    this.#cool(lengthMs, lengthMs, 'own');
    if (this.#store === undefined) return;
    try {
      await changeShared(this.#store, COOL_DOWN, coolDownSchema, (state) => ({
        state: state !== undefined && state.untilMs >= untilMs ? undefined : { untilMs, lengthMs },
        result: undefined,
      }));
    } catch (error) {
      note(this.#log, 'warn', 'provider.cooldown.alone', { reason: String(error) }, 'the cool-down is not shared');
    }
  }

  /** Gives leased tokens back and listens no more. Never rejects. */
  async close(): Promise<void> {
    this.#stop();
    const store = this.#store;
    if (store === undefined) return;
    await Promise.allSettled(
      Object.values(this.#leases).map(async (lease) => {
        const left = this.#now() < lease.expiresMs ? lease.tokens : 0;
        lease.tokens = 0;
        if (left === 0) return;
        await changeShared(store, `bucket.${lease.kind}`, tokenStateSchema, (state) => ({
          state: state && { ...state, tokens: Math.min(lease.whole.capacity, state.tokens + left) },
          result: undefined,
        }));
      }),
    );
  }

  #cool(ms: number, lengthMs: number, origin: 'own' | 'told'): void {
    const untilMs = this.#now() + ms;
    if (ms <= 0 || untilMs <= this.#coolUntil) return;
    this.#coolUntil = untilMs;
    this.#spreadMs = Math.min(MAX_SPREAD_MS, lengthMs / 2);
    const fields = { ms: Math.round(ms), origin };
    note(this.#log, 'warn', 'provider.cooldown', fields, 'the provider asked to slow down; calls pause');
  }

  /** Takes a token and answers 0, or answers how long to wait before asking again, ms. */
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

  /** Leases tokens for those who wait, and for as many as lately came. Answers how long until there are any, ms. */
  async #refill(lease: Lease): Promise<number> {
    const now = this.#now();
    const recent = now < lease.expiresMs + LEASE_MS ? lease.spent : 0;
    const want = Math.min(lease.whole.capacity, Math.max(1, lease.waiting, recent));
    const { granted, waitMs } = await this.#lease(lease, want);
    if (granted === 0) return waitMs;
    lease.tokens = granted;
    lease.spent = 0;
    // From before the question, or a slow answer would lengthen the lease.
    lease.expiresMs = Math.max(now + LEASE_MS, this.#now() + 1);
    return 0;
  }

  async #lease(lease: Lease, want: number): Promise<Taken> {
    const store = this.#store;
    if (store !== undefined && this.#now() >= this.#aloneUntil) {
      try {
        return await changeShared(store, `bucket.${lease.kind}`, tokenStateSchema, (state) => {
          const result = take(state, lease.whole, this.#now(), want);
          return { state: result.granted === 0 ? undefined : result.state, result };
        });
      } catch (error) {
        this.#aloneUntil = this.#now() + ALONE_MS;
        const fields = { share: SHARE_ALONE, reason: String(error) };
        note(
          this.#log,
          'warn',
          'provider.limit.alone',
          fields,
          'the shared limits are away; this process keeps to its share',
        );
      }
    }
    const taken = take(lease.own, store === undefined ? lease.whole : lease.alone, this.#now(), want);
    if (taken.granted > 0) lease.own = taken.state;
    else lease.own ??= taken.state;
    return taken;
  }
}
