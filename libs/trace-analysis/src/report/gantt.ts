import { type Interval, union } from '../model/interval.js';
import { modelOf } from '../model/model.js';
import { type Trace } from '../parse/trace.model.js';

/** The times when units of a stage worked, and when they waited for a slot. */
export interface StageRow {
  readonly stage: string;
  readonly work: readonly Interval[];
  readonly wait: readonly Interval[];
}

/** One row per stage, in the order of their starts. */
export function stageRows(trace: Trace): StageRow[] {
  const { units, tasks, starts } = modelOf(trace);
  const rows = new Map<string, { work: Interval[]; wait: Interval[] }>();
  for (const { stage, intervals } of units) {
    const row = rows.get(stage);
    if (row === undefined) rows.set(stage, { work: [...intervals], wait: [] });
    else row.work.push(...intervals);
  }
  tasks.forEach(({ stage }, at) => {
    const { readyUs, slotUs } = starts[at] ?? { readyUs: 0, slotUs: 0 };
    if (stage !== undefined && slotUs > readyUs) rows.get(stage)?.wait.push([readyUs, slotUs]);
  });
  return [...rows].map(([stage, { work, wait }]) => ({ stage, work: union(work), wait: union(wait) }));
}

/** Draws `█` for cells that are at least half work, `░` for waits, `▓` for both, and `▏` for shorter work. */
export function drawRow({ work, wait }: Omit<StageRow, 'stage'>, makespanUs: number, cells: number): string {
  const worked = fill(work, makespanUs, cells);
  const waited = fill(wait, makespanUs, cells);
  return Array.from({ length: cells }, (_, at) => {
    if ((worked[at] ?? 0) >= 0.5) return (waited[at] ?? 0) >= 0.5 ? '▓' : '█';
    if ((waited[at] ?? 0) >= 0.5) return '░';
    return (worked[at] ?? 0) > 0 ? '▏' : ' ';
  }).join('');
}

/** The share of each cell that the intervals cover. */
function fill(intervals: readonly Interval[], makespanUs: number, cells: number): number[] {
  const shares = new Array<number>(cells).fill(0);
  if (makespanUs === 0) return shares;
  for (const [start, end] of intervals) {
    const from = (start / makespanUs) * cells;
    const to = (end / makespanUs) * cells;
    for (let at = Math.floor(from); at < Math.min(cells, Math.ceil(to)); at += 1) {
      shares[at] = (shares[at] ?? 0) + Math.min(to, at + 1) - Math.max(from, at);
    }
  }
  return shares;
}
