import { z } from 'zod';

export const tokenStateSchema = z.object({ tokens: z.number().nonnegative(), atMs: z.number() });
/** Tokens that were there at a time, ms since the epoch. */
export type TokenState = z.infer<typeof tokenStateSchema>;

export interface TokenLimits {
  /** Most tokens there can be at once. */
  readonly capacity: number;
  readonly perMs: number;
}

export interface Taken {
  /** The very state that was given when nothing was taken from it. */
  readonly state: TokenState;
  readonly granted: number;
  /** Ms until a token is there; 0 when something was granted. */
  readonly waitMs: number;
}

/** How long a granted token may be used, ms. */
export const LEASE_MS = 1000;
const MINUTE_MS = 60_000;
/** A state further in the future than this was written by a wrong clock, ms. */
const MAX_SKEW_MS = 60_000;
/** Forgives a rounding error, which would cost another millisecond's sleep. */
const ALMOST = 1e-6;

/**
 * Limits under which the calls of any one minute are at most `perMinute`, although a burst of one second's worth may come
 * first and a token may be used up to {@link LEASE_MS} after it was granted. `share`: of the whole, 0-1.
 */
export function limitsOf(perMinute: number, share = 1): TokenLimits {
  if (!(perMinute > 0)) throw new RangeError('a rate limit must be above 0 per minute');
  const own = perMinute * share;
  const capacity = Math.max(1, Math.floor(own / 60));
  return { capacity, perMs: (own - capacity + 1) / (MINUTE_MS + LEASE_MS) };
}

/** Takes up to `want` tokens. No state: a full bucket. A clock that is behind refills nothing; time is never counted twice. */
export function take(state: TokenState | undefined, limits: TokenLimits, nowMs: number, want: number): Taken {
  const before = state ?? { tokens: limits.capacity, atMs: nowMs };
  const atMs = before.atMs > nowMs + MAX_SKEW_MS ? nowMs : before.atMs;
  const tokens = Math.min(limits.capacity, before.tokens + Math.max(0, nowMs - atMs) * limits.perMs);
  const granted = Math.max(0, Math.min(Math.floor(want), Math.floor(tokens + ALMOST)));
  if (granted > 0)
    return { state: { tokens: Math.max(0, tokens - granted), atMs: Math.max(atMs, nowMs) }, granted, waitMs: 0 };
  const waitMs = Math.max(0, atMs - nowMs) + Math.max(1, Math.ceil((1 - tokens) / limits.perMs));
  return { state: before, granted: 0, waitMs };
}
