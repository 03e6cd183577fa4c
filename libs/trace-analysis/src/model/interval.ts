/** Half-open [start, end) in microseconds. */
export type Interval = readonly [startUs: number, endUs: number];

export const total = (list: readonly Interval[]): number => list.reduce((sum, [start, end]) => sum + end - start, 0);

/** The union of intervals as sorted, disjoint, non-empty ones. */
export function union(list: readonly Interval[]): Interval[] {
  const merged: [number, number][] = [];
  for (const [start, end] of [...list].sort((a, b) => a[0] - b[0])) {
    if (end <= start) continue;
    const last = merged.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** `from` without the holes, which must be sorted and disjoint. */
export function subtract(from: Interval, holes: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let at = from[0];
  for (const [start, end] of holes) {
    if (start > at) left.push([at, Math.min(start, from[1])]);
    at = Math.max(at, end);
  }
  if (at < from[1]) left.push([at, from[1]]);
  return left.filter(([start, end]) => end > start);
}

/** The time at each level of concurrency, including level 0. Exactly: Σ us = makespan, Σ level·us = Σ lengths. */
export function concurrencyOf(list: readonly Interval[], makespanUs: number): { level: number; us: number }[] {
  const edges = list
    .filter(([start, end]) => end > start)
    .flatMap(([start, end]) => [[start, 1] as const, [end, -1] as const])
    .sort((a, b) => a[0] - b[0]);
  const levels = new Map<number, number>();
  let at = 0;
  let level = 0;
  for (const [time, step] of [...edges, [makespanUs, 0] as const]) {
    if (time > at) levels.set(level, (levels.get(level) ?? 0) + time - at);
    at = time;
    level += step;
  }
  return [...levels].sort((a, b) => a[0] - b[0]).map(([key, us]) => ({ level: key, us }));
}

/** Maximum number of concurrent intervals. */
export const peakOf = (list: readonly Interval[], makespanUs: number): number =>
  concurrencyOf(list, makespanUs).at(-1)?.level ?? 0;
