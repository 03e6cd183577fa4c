import { ATTR } from '@clipmesh/tracing';
import { peakOf } from './interval.js';
import { numberOf, textOf } from './span.index.js';
import { type Task } from './task.model.js';

/** The slots that tasks of one kind share: observed workers × concurrent messages per worker. */
export interface Pool {
  readonly name: string;
  readonly slots: number;
  readonly service: string;
  readonly workers: number;
  readonly perWorker: number;
  /** The slots by host, at least one entry. The id is empty when unknown. They add up to `slots`. */
  readonly hosts: readonly { readonly id: string; readonly slots: number }[];
  readonly tasks: readonly number[];
}

/** The times that determine the start of a task. */
export interface Start {
  /** All its needs were handed over. Without needs: its own start. */
  readonly readyUs: number;
  /** A slot was free from this time. Later than `readyUs` only when all slots were taken. */
  readonly slotUs: number;
  /** Index of the latest edge. */
  readonly lastEdge: number | undefined;
}

/**
 * Derives the pools. The slots of a pool are its declared size times the observed workers, and at least its peak concurrency. Without
 * a declared size they are the peak. Ignores overlaps shorter than the clock step.
 */
export function poolsOf(tasks: readonly Task[], clockStepUs: number): Map<string, Pool> {
  const members = new Map<string, number[]>();
  tasks.forEach(({ pool }, at) => {
    if (pool === undefined) return;
    const list = members.get(pool);
    if (list === undefined) members.set(pool, [at]);
    else list.push(at);
  });
  const endUs = tasks.reduce((max, task) => Math.max(max, task.endUs), 0);
  return new Map(
    [...members].map(([name, list]) => {
      const own = list.flatMap((at) => tasks[at] ?? []);
      const peak = peakOf(
        own.map((task) => [task.startUs, task.endUs - Math.min(clockStepUs, task.endUs - task.startUs)] as const),
        endUs,
      );
      const workers = new Set(own.flatMap(({ span }) => textOf(span, ATTR.workerId) ?? [])).size;
      const perWorker = own.reduce((max, { span }) => Math.max(max, numberOf(span, ATTR.poolSize) ?? 0), 0);
      const declared = Math.max(workers, 1) * perWorker;
      const slots = Math.max(declared, workers, peak, 1);
      const service = own[0]?.span.service ?? name;
      const hosts = hostsOf(own, slots, Math.max(perWorker, 1));
      return [
        name,
        { name, slots, service, workers: Math.max(workers, 1), perWorker: Math.max(perWorker, 1), hosts, tasks: list },
      ];
    }),
  );
}

/** The slots of each host by its observed workers. Remaining slots are spread over the hosts. */
function hostsOf(tasks: readonly Task[], slots: number, perWorker: number): Pool['hosts'] {
  const hostOf = new Map<string, string>();
  for (const { span, host } of tasks) {
    const worker = textOf(span, ATTR.workerId) ?? '';
    if (host !== undefined || !hostOf.has(worker)) hostOf.set(worker, host ?? '');
  }
  const counts = new Map<string, number>();
  let left = slots;
  for (const host of hostOf.values()) {
    const some = Math.min(left, perWorker);
    counts.set(host, (counts.get(host) ?? 0) + some);
    left -= some;
  }
  const ids = [...counts.keys()];
  for (let at = 0; left > 0; at += 1, left -= 1) {
    const id = ids[at % ids.length] ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts].map(([id, count]) => ({ id, slots: count }));
}

/** The times when each task was ready, and when a slot was free for it. */
export function startsOf(tasks: readonly Task[], pools: ReadonlyMap<string, Pool>, clockStepUs: number): Start[] {
  const starts = tasks.map(({ startUs, edges }) => {
    let last: number | undefined;
    edges.forEach(({ atUs }, at) => {
      if (last === undefined || atUs > (edges[last]?.atUs ?? 0)) last = at;
    });
    const readyUs = last === undefined ? startUs : (edges[last]?.atUs ?? startUs);
    return { readyUs, slotUs: readyUs, lastEdge: last };
  });
  for (const { tasks: members, slots } of pools.values()) {
    const ends = members.map((at) => tasks[at]?.endUs ?? 0).sort((a, b) => a - b);
    let ended = 0;
    let begun = 0;
    let openedUs = 0;
    for (const at of members) {
      const startUs = tasks[at]?.startUs ?? 0;
      for (let end = ends[ended]; end !== undefined && end <= startUs && ended < begun; end = ends[ended]) {
        if (begun - ended >= slots) openedUs = end;
        ended += 1;
      }
      // All slots seem taken: the clock step makes the slot's release appear after the start of its next task.
      const late = ends[ended];
      if (begun - ended >= slots && late !== undefined && late <= startUs + clockStepUs) {
        openedUs = startUs;
        ended += 1;
      }
      begun += 1;
      const start = starts[at];
      // Before a redelivery comes its pause. The part of it that was also a queue is unknown.
      const repeated = start?.lastEdge !== undefined && tasks[at]?.edges[start.lastEdge]?.kind === 'retry';
      if (start !== undefined && !repeated && openedUs > start.readyUs) starts[at] = { ...start, slotUs: openedUs };
    }
  }
  return starts;
}
