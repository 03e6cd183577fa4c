import { readFileSync } from 'node:fs';

/** The kernel's clock ticks: 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

/**
 * CPU time, ms, by the text of `/proc/PID/stat`: user and system, of the process and of its children that have ended.
 * Undefined where the text is not of that form.
 */
export function cpuMsOfStat(stat: string): number | undefined {
  // The second field, the name in brackets, may hold anything; utime, stime, cutime and cstime are the 14th to 17th.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(/\s+/u);
  const ticks = fields.slice(11, 15).map(Number);
  return ticks.length === 4 && ticks.every((one) => Number.isSafeInteger(one) && one >= 0)
    ? ticks.reduce((sum, one) => sum + one, 0) * TICK_MS
    : undefined;
}

/** CPU time of a process that has not been reaped yet, ms; undefined where the system has no `/proc`. */
export function cpuMsOfProcess(pid: number): number | undefined {
  try {
    return cpuMsOfStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}
