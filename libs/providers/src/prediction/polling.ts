const SHORTEST_GAP_MS = 100;
const SHARE_OF_ELAPSED = 0.08;
/** Frequent polling starts at this share of the usual run time. */
const SOON = 0.8;
const LATE = 1.5;
const SHARE_OF_USUAL = 0.04;

/**
 * Ms until the next poll: 8 % of the time waited so far, so that the lag stays small compared with the wait. With a known usual run
 * time: no poll until 80 % of it, frequent polls until 150 %, then 8 % again. At most `longestMs`.
 */
export function pollGapMs(elapsedMs: number, longestMs: number, run?: { ranMs: number; usualMs: number }): number {
  const within = (ms: number): number => Math.min(Math.max(ms, SHORTEST_GAP_MS), Math.max(longestMs, SHORTEST_GAP_MS));
  if (run !== undefined) {
    const untilSoonMs = run.usualMs * SOON - run.ranMs;
    if (untilSoonMs > 0) return within(untilSoonMs);
    if (run.ranMs < run.usualMs * LATE) return within(run.usualMs * SHARE_OF_USUAL);
  }
  return within(elapsedMs * SHARE_OF_ELAPSED);
}

/** Ms until the next poll after `failures` failed polls in a row. Doubles from `longestMs`, at most 30,000. */
export function backOffMs(failures: number, longestMs: number): number {
  return Math.min(30_000, Math.max(longestMs, SHORTEST_GAP_MS) * 2 ** Math.min(failures - 1, 10));
}
