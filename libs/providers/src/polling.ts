const SHORTEST_GAP_MS = 100;
const SHARE_OF_ELAPSED = 0.08;

/** Ms until the next poll: 8 % of the time waited so far, so that the lag stays small beside the wait it ends. */
export function pollGapMs(elapsedMs: number, longestMs: number): number {
  return Math.min(Math.max(elapsedMs * SHARE_OF_ELAPSED, SHORTEST_GAP_MS), Math.max(longestMs, SHORTEST_GAP_MS));
}

/** Ms until the next poll after `failures` polls in a row that failed: doubling from the longest gap, at most 30 s. */
export function backOffMs(failures: number, longestMs: number): number {
  return Math.min(30_000, Math.max(longestMs, SHORTEST_GAP_MS) * 2 ** Math.min(failures - 1, 10));
}
