import { type HostCores } from '../model/cpu.use.js';
import { type Pool } from '../model/pools.js';
import { coresIn, type Progress, progressOf, type Scenario, slotsIn, type System } from '../model/scenario.js';

export interface LowerBound {
  readonly us: number;
  /** The longest chain of needed work, us. */
  readonly criticalUs: number;
  /** The pool whose work law gives the bound; undefined when the chain or the cores give it. */
  readonly pool: string | undefined;
  /** The hosts whose cores give the bound; empty when the chain or a pool gives it. */
  readonly hosts: readonly string[];
}

interface Job {
  /** Earliest possible start. */
  readonly headUs: number;
  readonly workUs: number;
  /** Work that must follow it. */
  readonly tailUs: number;
}

/**
 * A lower bound of the makespan of any schedule of the same work, the maximum of three laws: the longest chain of needed work, T∞ (the
 * span law, Brent 1974; Graham 1969); for each pool with m slots and any set of its tasks, least head + work / m + least tail (the work
 * law T1/m, with the work before and after it); and the same for hosts that share work, with CPU time / cores. Needed work excludes
 * waits, hops, failed tries and slow-down by shared cores.
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

/** The computing of a task, in thousandths of a core, with the work before its first and after its last computing step. */
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

/** Groups hosts that can take each other's work: those of one pool, and those of pools that share a host. */
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

/** Number of tails to try. Every set of tasks gives a valid bound, so a sample is enough. */
const MAX_TAILS = 16;

function workLaw(all: readonly Job[], slots: number): number {
  const jobs = all.filter(({ workUs }) => workUs > 0).sort((a, b) => b.headUs - a.headUs);
  const tails = [...new Set(jobs.map(({ tailUs }) => tailUs))].sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(tails.length / MAX_TAILS));
  return tails
    .filter((_, at) => at % step === 0)
    .reduce((best, tailUs) => Math.max(best, bestSet(jobs, slots, tailUs)), 0);
}

/** The best bound from jobs with at least this tail. `jobs` are sorted by head, latest first. */
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
