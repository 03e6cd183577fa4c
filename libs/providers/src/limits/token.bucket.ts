import { z } from 'zod';

export const tokenStateSchema = z.object({ tokens: z.number().nonnegative(), atMs: z.number() });
/** The number of tokens at a time, ms since the epoch. */
export type TokenState = z.infer<typeof tokenStateSchema>;

export interface TokenLimits {
  /** Maximum number of tokens. */
  readonly capacity: number;
  readonly perMs: number;
}

export interface Taken {
  /** The given object itself when nothing was granted. */
  readonly state: TokenState;
  readonly granted: number;
  /** Ms until a token is available; 0 when something was granted. */
  readonly waitMs: number;
}

/** Lifetime of a granted token, ms. */
export const LEASE_MS = 1000;
const MINUTE_MS = 60_000;
/** A state further in the future was written by a wrong clock, ms. */
const MAX_SKEW_MS = 60_000;
/** Tolerates rounding errors, which would cost another millisecond of sleep. */
const ALMOST = 1e-6;

/**
 * Limits that allow at most `perMinute` calls in any minute, including a burst of one second's worth and tokens used up to
 * {@link LEASE_MS} after they were granted. `share`: the share of the whole, 0-1. Default: 1. Throws `RangeError` unless `perMinute` is
 * positive.
 */
export function limitsOf(perMinute: number, share = 1): TokenLimits {
  if (!(perMinute > 0)) throw new RangeError('a rate limit must be above 0 per minute');
  const own = perMinute * share;
  const capacity = Math.max(1, Math.floor(own / 60));
  return { capacity, perMs: (own - capacity + 1) / (MINUTE_MS + LEASE_MS) };
}

/** Takes up to `want` tokens. No state means a full bucket. A clock that is behind refills nothing: time is never counted twice. */
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
