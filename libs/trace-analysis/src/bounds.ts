import { type HostCores } from './cpu.use.js';
import { type Pool } from './pools.js';
import { coresIn, type Progress, progressOf, type Scenario, slotsIn, type System } from './scenario.js';

export interface LowerBound {
  readonly us: number;
  /** The longest chain of needed work, us. */
  readonly criticalUs: number;
  /** The pool whose work law gives the bound; undefined where the chain or the cores do. */
  readonly pool: string | undefined;
  /** The hosts whose cores give the bound; empty where the chain or a pool does. */
  readonly hosts: readonly string[];
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
 * No schedule of the same work is shorter. It is the greatest of three laws: the longest chain of needed work, T∞ (the
 * span law, Brent 1974; Graham 1969); for each pool with m slots and any set of its tasks: least head + work / m + least
 * tail (the work law T1/m, with what must come before and after it); and the same for the hosts that share work, with
 * CPU time / cores. Waits, hops, failed tries and what the want of cores adds are not needed work.
 */
export function lowerBound(
  system: Pick<System, 'tasks' | 'pools' | 'window' | 'hosts'>,
  scenario: Scenario = {},
): LowerBound {
  const { tasks, pools, window, hosts } = system;
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
      const reached = progress[from];
      if (kind !== 'window' && reached !== undefined)
        tails[from] = Math.max(tails[from] ?? 0, restUs - (reached.totalUs - reached.at(atUs)));
    }
  }
  let bound: LowerBound = { us: criticalUs, criticalUs, pool: undefined, hosts: [] };
  for (const pool of pools.values()) {
    const jobs = pool.tasks.map((at) => ({
      headUs: heads[at] ?? 0,
      workUs: progress[at]?.totalUs ?? 0,
      tailUs: tails[at] ?? 0,
    }));
    const limit = window?.pool === pool.name ? (scenario.window ?? window.size) : Infinity;
    const us = workLaw(jobs, Math.min(slotsIn(pool, scenario), limit));
    if (us > bound.us) bound = { us, criticalUs, pool: pool.name, hosts: [] };
  }
  for (const group of sharing(pools, hosts)) {
    const ids = new Set(group.map(({ id }) => id));
    const jobs = tasks.flatMap(({ host }, at) =>
      host !== undefined && ids.has(host) ? computing(progress[at], heads[at] ?? 0, tails[at] ?? 0) : [],
    );
    const us = workLaw(
      jobs,
      group.reduce((sum, host) => sum + coresIn(host, scenario), 0),
    );
    if (us > bound.us) bound = { us, criticalUs, pool: undefined, hosts: [...ids] };
  }
  return { ...bound, us: Math.floor(bound.us) };
}

/** What a task computes, with what must come before its first and after its last step that does; in thousandths of a core. */
function computing(progress: Progress | undefined, headUs: number, tailUs: number): Job[] {
  let workUs = 0;
  let beforeUs: number | undefined;
  let doneUs = 0;
  let lastUs = 0;
  for (const { lengthUs, cpu } of progress?.steps ?? []) {
    if (cpu !== undefined) {
      beforeUs ??= doneUs;
      workUs += lengthUs * cpu.milliCores;
    }
    doneUs += lengthUs;
    if (cpu !== undefined) lastUs = doneUs;
  }
  return beforeUs === undefined ? [] : [{ headUs: headUs + beforeUs, workUs, tailUs: tailUs + doneUs - lastUs }];
}

/** The hosts in groups: those of one pool can do each other's work, and so can those of pools that share a host. */
function sharing(pools: ReadonlyMap<string, Pool>, hosts: ReadonlyMap<string, HostCores>): HostCores[][] {
  const groupOf = new Map<string, Set<HostCores>>();
  for (const host of hosts.values()) groupOf.set(host.id, new Set([host]));
  for (const { hosts: own } of pools.values()) {
    const [first, ...rest] = own.flatMap(({ id }) => groupOf.get(id) ?? []);
    for (const other of rest) {
      if (first === undefined || other === first) continue;
      for (const host of other) {
        first.add(host);
        groupOf.set(host.id, first);
      }
    }
  }
  return [...new Set(groupOf.values())].map((group) => [...group]);
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
