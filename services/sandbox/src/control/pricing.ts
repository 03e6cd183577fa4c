/** $0.15 and $0.60 per million tokens, rounded up to whole micro-dollars. */
export function completionMicros(inputTokens: number, outputTokens: number): number {
  return Math.ceil((15 * inputTokens + 60 * outputTokens) / 100);
}

/** $15 per million characters. */
export function speechMicros(characters: number): number {
  return 15 * characters;
}

/** Counts four characters as one token. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** Converts micro-dollars to dollars. */
export function usd(micros: number): number {
  return micros / 1_000_000;
}
