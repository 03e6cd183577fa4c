/** Micro-dollars to dollars with at most six decimals. */
export function dollars(micros: number): number {
  return micros / 1_000_000;
}
