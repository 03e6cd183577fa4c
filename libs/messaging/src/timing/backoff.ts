/** First and longest delay of an exponential back-off, ms. */
export interface Backoff {
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/** Exponential back-off with jitter: between half and all of min(first * 2^(failure - 1), max), ms. `random` is in [0, 1). */
export function backoffMs({ firstDelayMs, maxDelayMs }: Backoff, failure: number, random: number): number {
  const ceiling = Math.min(firstDelayMs * 2 ** (failure - 1), maxDelayMs);
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
