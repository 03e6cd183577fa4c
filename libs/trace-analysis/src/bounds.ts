import { type Pool } from './pools.js';
import { progressOf, type Scenario, slotsIn } from './scenario.js';
import { type Task } from './task.graph.js';

export interface LowerBound {
  readonly us: number;
  /** The longest chain of needed work, us. */
  readonly criticalUs: number;
  /** The pool whose work law gives the bound; undefined where the chain does. */
  readonly pool: string | undefined;
}

/** The pool that the window of scenes limits too, and how many scenes it lets out at once. */
export interface WindowLimit {
  readonly pool: string;
  readonly size: number;
}

interface Job {
  /** Nothing can make it start earlier. */
  readonly headUs: number;
  readonly workUs: number;
  /** What must still be done after it. */
  readonly tailUs: number;
}

/**
 * No schedule of the same work is shorter. It is the greater of two laws: the longest chain of needed work, T∞ (the span
 * law, Brent 1974; Graham 1969), and for each pool with m slots and any set of its tasks: least head + work / m + least
 * tail (the work law T1/m, with what must come before and after it). Waits, hops and failed tries are not needed work.
 */
export function lowerBound(
  tasks: readonly Task[],
  pools: ReadonlyMap<string, Pool>,
  window: WindowLimit | undefined,
  scenario: Scenario = {},
): LowerBound {
  const progress = tasks.map((task) => progressOf(task, scenario, 'needed'));
  const heads = new Array<number>(tasks.length).fill(0);
  const tails = new Array<number>(tasks.length).fill(0);
  let criticalUs = 0;
  tasks.forEach(({ edges }, at) => {
    let head = 0;
    for (const { from, kind, atUs } of edges) {
      if (kind !== 'window') head = Math.max(head, (heads[from] ?? 0) + (progress[from]?.at(atUs) ?? 0));
    }
    heads[at] = head;
    criticalUs = Math.max(criticalUs, head + (progress[at]?.totalUs ?? 0));
  });
  for (let at = tasks.length - 1; at >= 0; at -= 1) {
    const restUs = (progress[at]?.totalUs ?? 0) + (tails[at] ?? 0);
    for (const { from, kind, atUs } of tasks[at]?.edges ?? []) {
      const { at: reached, totalUs } = progress[from] ?? { at: () => 0, totalUs: 0 };
      if (kind !== 'window') tails[from] = Math.max(tails[from] ?? 0, restUs - (totalUs - reached(atUs)));
    }
  }
  let bound: LowerBound = { us: criticalUs, criticalUs, pool: undefined };
  for (const pool of pools.values()) {
    const jobs = pool.tasks.map((at) => ({
      headUs: heads[at] ?? 0,
      workUs: progress[at]?.totalUs ?? 0,
      tailUs: tails[at] ?? 0,
    }));
    const limit = window?.pool === pool.name ? (scenario.window ?? window.size) : Infinity;
    const us = workLaw(jobs, Math.min(slotsIn(pool, scenario), limit));
    if (us > bound.us) bound = { us, criticalUs, pool: pool.name };
  }
  return { ...bound, us: Math.floor(bound.us) };
}

/** Tails that sets of tasks are cut at; every set gives a bound, so a few well spread ones do. */
const MOST_TAILS = 16;

function workLaw(all: readonly Job[], slots: number): number {
  const jobs = all.filter(({ workUs }) => workUs > 0).sort((a, b) => b.headUs - a.headUs);
  const tails = [...new Set(jobs.map(({ tailUs }) => tailUs))].sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(tails.length / MOST_TAILS));
  return tails
    .filter((_, at) => at % step === 0)
    .reduce((best, tailUs) => Math.max(best, bestSet(jobs, slots, tailUs)), 0);
}

/** The best set of those that have at least this much after them: the last to be ready first. */
function bestSet(jobs: readonly Job[], slots: number, leastTailUs: number): number {
  let best = 0;
  let headUs = Infinity;
  let tailUs = Infinity;
  let workUs = 0;
  for (const job of jobs) {
    if (job.tailUs < leastTailUs) continue;
    headUs = Math.min(headUs, job.headUs);
    tailUs = Math.min(tailUs, job.tailUs);
    workUs += job.workUs;
    best = Math.max(best, headUs + workUs / slots + tailUs);
  }
  return best;
}
