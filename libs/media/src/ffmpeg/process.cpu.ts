import { readFileSync } from 'node:fs';

/** The kernel's clock tick: 100 per second on every Linux that Node supports. */
const TICK_MS = 10;

/**
 * CPU time from the text of `/proc/PID/stat`, ms: user and system, of the process and its ended children. Undefined for a text of
 * another form.
 */
export function cpuMsOfStat(stat: string): number | undefined {
  // The second field, the name in brackets, may contain anything. utime, stime, cutime and cstime are fields 14 to 17.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/u);
  const ticks = fields.slice(11, 15).map(Number);
  return ticks.length === 4 && ticks.every((one) => Number.isSafeInteger(one) && one >= 0)
    ? ticks.reduce((sum, one) => sum + one, 0) * TICK_MS
    : undefined;
}

/** CPU time of a process that is not reaped yet, ms; undefined on systems without `/proc`. */
export function cpuMsOfProcess(pid: number): number | undefined {
  try {
    return cpuMsOfStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}
