const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
/** Larger numbers are times since the epoch, not durations, s. */
const EPOCH_S = 1_000_000_000;

/** Reads a duration such as `1m30s`, `120ms` or `5.2s`, ms. Undefined: not a duration. */
export function durationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit ?? ''] ?? 0),
    0,
  );
}

/**
 * Reads the value of `Retry-After` or of a similar header: seconds, a duration, a time since the epoch (s or ms), or a date.
 * Returns ms from now, negative for a time in the past. Undefined: none of these.
 */
export function waitMs(text: string, nowMs: number): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const value = Number(text);
    if (value < EPOCH_S) return value * 1000;
    return (value < EPOCH_S * 1000 ? value * 1000 : value) - nowMs;
  }
  const duration = durationMs(text);
  if (duration !== undefined) return duration;
  const at = /[a-z]{3}|-\d\d-/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at - nowMs;
}
