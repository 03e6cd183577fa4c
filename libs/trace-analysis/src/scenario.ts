import { type Pool } from './pools.js';
import { type Task } from './task.graph.js';

/** The system as it was, or with something changed. */
export interface Scenario {
  /** Slots of a pool, where they differ. */
  readonly slots?: Readonly<Record<string, number>>;
  /** A stage's work takes 1/n of its time; its waits stay. */
  readonly speed?: Readonly<Record<string, number>>;
  /** Scenes in flight at once. */
  readonly window?: number;
}

export const slotsIn = (pool: Pool, scenario: Scenario): number => scenario.slots?.[pool.name] ?? pool.slots;

/** How far a task has come at a time of the measured trace, in microseconds of the scenario. */
export interface Progress {
  readonly at: (us: number) => number;
  readonly totalUs: number;
}

/**
 * `elapsed` counts all of a task's time. `needed` counts the work alone, which no schedule can do without: not its waits,
 * and nothing of a try that failed.
 */
export function progressOf(task: Task, scenario: Scenario, count: 'elapsed' | 'needed'): Progress {
  const { pieces, startUs } = task;
  const ends: number[] = [];
  let sum = 0;
  for (const piece of pieces) {
    const stage = piece.waitClass === undefined ? piece.stage : undefined;
    const speed = stage === undefined ? 1 : (scenario.speed?.[stage] ?? 1);
    const counts = count === 'elapsed' || (stage !== undefined && !task.failed);
    sum += counts ? (piece.endUs - piece.startUs) / speed : 0;
    ends.push(sum);
  }
  const at = (us: number): number => {
    if (us <= startUs) return 0;
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pieces[middle]?.endUs ?? 0) < us) low = middle + 1;
      else high = middle;
    }
    const piece = pieces[low];
    if (piece === undefined) return sum;
    const before = low === 0 ? 0 : (ends[low - 1] ?? 0);
    const share = (us - piece.startUs) / (piece.endUs - piece.startUs);
    return before + ((ends[low] ?? 0) - before) * share;
  };
  return { at, totalUs: sum };
}
