const ADJUSTED = /^This span's timestamps were adjusted by (-?)(\S+)$/;
const PART = /(\d+)(?:\.(\d+))?(h|ms|m|s|µs|μs|us|ns)/g;
const NS: Readonly<Record<string, bigint>> = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  µs: 1000n,
  μs: 1000n,
  us: 1000n,
  ns: 1n,
};

/** Parses an unsigned Go duration (`1m2.5s`, `685.375µs`) to ns. */
function nanosOf(text: string): bigint {
  let sum = 0n;
  for (const [, whole = '0', fraction = '', unit = 'ns'] of text.matchAll(PART)) {
    const scale = NS[unit] ?? 1n;
    sum += BigInt(whole) * scale + (BigInt(`0${fraction}`) * scale) / 10n ** BigInt(fraction.length);
  }
  return sum;
}

/**
 * The start of a span by its sender's clock, ns. Jaeger moves a child that is not inside its parent, because it assumes a wrong clock,
 * and reports the offset in a warning. This also affects children across the broker, so the move is undone.
 */
export function sentNs(startNs: bigint, warnings: readonly string[]): bigint {
  let sent = startNs;
  for (const warning of warnings) {
    const [, sign, length = ''] = ADJUSTED.exec(warning) ?? [];
    if (sign !== undefined) sent += sign === '-' ? nanosOf(length) : -nanosOf(length);
  }
  if (sent === startNs) return startNs;
  // Jaeger rounded the moved start down to whole microseconds, so the original is rounded up.
  return ((sent + 999n) / 1000n) * 1000n;
}
