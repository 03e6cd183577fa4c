import { ATTR } from '@clipmesh/tracing';
import { peakOf } from './interval.js';
import { numberOf, textOf } from './span.index.js';
import { type Task } from './task.graph.js';

/** The slots that tasks of one kind share: workers seen × messages each handles at once. */
export interface Pool {
  readonly name: string;
  readonly slots: number;
  readonly service: string;
  readonly workers: number;
  readonly perWorker: number;
  /** Where the slots are, at least one entry; the id is empty where no span says. Their slots add up to `slots`. */
  readonly hosts: readonly { readonly id: string; readonly slots: number }[];
  readonly tasks: readonly number[];
}

/** Why a task began when it did. */
export interface Start {
  /** All that it needed was handed over; for a task that needed nothing, its own start. */
  readonly readyUs: number;
  /** A slot was free from here on: later than `readyUs` only where every slot was taken. */
  readonly slotUs: number;
  /** The edge that came last. */
  readonly lastEdge: number | undefined;
}

/**
 * A pool's slots are its declared size times the workers seen; never less than ran at once, and where no size is declared
 * exactly that. Overlaps shorter than the clock's step are no overlaps.
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

/** The slots of each host by the workers seen on it; those that no worker explains are spread over the hosts. */
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

/** When each task could have begun, and when a slot was free for it. */
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
      // Every slot still taken: the one it got is told, by a clock's step, to have fallen free after it began.
      const late = ends[ended];
      if (begun - ended >= slots && late !== undefined && late <= startUs + clockStepUs) {
        openedUs = startUs;
        ended += 1;
      }
      begun += 1;
      const start = starts[at];
      // Before a repeated delivery lies its pause: how much of it was also a queue cannot be told.
      const repeated = start?.lastEdge !== undefined && tasks[at]?.edges[start.lastEdge]?.kind === 'retry';
      if (start !== undefined && !repeated && openedUs > start.readyUs) starts[at] = { ...start, slotUs: openedUs };
    }
  }
  return starts;
}
