import { type LowerBound } from './bounds.js';
import { type Segment, type WaitClass } from './critical.path.js';
import { type Model } from '../model/model.js';

/** The time between the lower bound and the makespan, by cause. The parts add up exactly. */
export interface GapUs {
  readonly capacity: number;
  readonly dispatch: number;
  readonly dependency: number;
  readonly external: number;
  readonly retry: number;
}
type Part = keyof GapUs;

const PART_OF: Readonly<Record<WaitClass, Part>> = {
  queue: 'capacity',
  window: 'capacity',
  dispatch: 'dispatch',
  poll_lag: 'dispatch',
  provider_queue: 'external',
  rate_limit: 'external',
  external: 'external',
  retry: 'retry',
};

/**
 * Splits makespan − bound by cause. First come the waits on the path (with `needsOnly`): failed tries and their pauses, external waits,
 * hops and decisions, scaled down if they exceed the gap. The rest is capacity as far as the path queued for slots or was slowed by
 * shared cores, then dependency. If a pool or the cores of hosts give the bound, it includes their work already: then the rest is
 * dependency as far as they were idle without ready work, then capacity.
 */
export function gapOf(model: Model, path: readonly Segment[], bound: LowerBound): GapUs {
  const waits: Record<Part, number> = { capacity: 0, dispatch: 0, dependency: 0, external: 0, retry: 0 };
  for (const { startUs, endUs, kind, waitClass, wasted, slowedUs } of path) {
    if (kind === 'work' && !wasted) waits.capacity += slowedUs;
    if (wasted && waitClass !== 'rate_limit') waits.retry += endUs - startUs;
    else if (kind === 'wait') waits[PART_OF[waitClass ?? 'dispatch']] += endUs - startUs;
  }
  const parts: Record<Part, number> = { capacity: 0, dispatch: 0, dependency: 0, external: 0, retry: 0 };
  let left = model.index.makespanUs - bound.us;
  const take = (part: Part, upTo: number): void => {
    const us = Math.max(0, Math.min(left, upTo));
    parts[part] += us;
    left -= us;
  };
  const byChain = bound.pool === undefined && bound.hosts.length === 0;
  const capacity = byChain ? waits.capacity : 0;
  const scale = Math.min(1, left / Math.max(1, waits.retry + waits.external + waits.dispatch + capacity));
  for (const part of ['retry', 'external', 'dispatch'] as const) take(part, Math.round(waits[part] * scale));
  if (byChain) {
    take('capacity', waits.capacity);
    take('dependency', left);
  } else {
    take('dependency', bound.pool === undefined ? idleCoresOf(model, bound.hosts) : idleOf(model, bound.pool));
    take('capacity', left);
  }
  return parts;
}

/** Average idle time of a pool's slots between the start of its first task and the end of its last one, us. */
function idleOf({ tasks, pools }: Model, name: string): number {
  const pool = pools.get(name);
  if (pool === undefined) return 0;
  let firstUs = Infinity;
  let lastUs = 0;
  let usedUs = 0;
  for (const at of pool.tasks) {
    const task = tasks[at];
    if (task === undefined) continue;
    firstUs = Math.min(firstUs, task.startUs);
    lastUs = Math.max(lastUs, task.endUs);
    usedUs += task.endUs - task.startUs;
  }
  return Math.max(0, Math.floor(lastUs - firstUs - usedUs / pool.slots));
}

/** Average idle time of these hosts' cores between the first and the last task that computed there, us. */
function idleCoresOf({ tasks, hosts }: Model, ids: readonly string[]): number {
  let firstUs = Infinity;
  let lastUs = 0;
  let used = 0;
  for (const { pieces } of tasks) {
    for (const { startUs, endUs, cpu } of pieces) {
      if (cpu === undefined || !ids.includes(cpu.host)) continue;
      firstUs = Math.min(firstUs, startUs);
      lastUs = Math.max(lastUs, endUs);
      used += cpu.milliCores * cpu.freeUs;
    }
  }
  const cores = ids.reduce((sum, id) => sum + (hosts.get(id)?.milliCores ?? 0), 0);
  return cores === 0 ? 0 : Math.max(0, Math.floor(lastUs - firstUs - used / cores));
}
