import { type Pool, type Start } from './pools.js';
import { type Task } from './task.graph.js';

/**
 * What a task waited beyond its needs and its slot: before it was in line, or between a slot falling free and its start.
 * The hop of one that queued is not to be seen; it is taken for its pool's usual one.
 */
export function lagsOf(
  tasks: readonly Task[],
  pools: ReadonlyMap<string, Pool>,
  starts: readonly Start[],
): { beforeSlotUs: number; afterSlotUs: number }[] {
  const hops = tasks.map((task, at) => {
    const { readyUs = task.startUs, slotUs = task.startUs } = starts[at] ?? {};
    return { queued: slotUs > readyUs, beyondUs: Math.max(0, task.startUs - slotUs) };
  });
  const usual = new Map(
    [...pools.values()].map((pool) => {
      const seen = pool.tasks.flatMap((at) => {
        const isRepeat = tasks[at]?.edges.some(({ kind }) => kind === 'retry') === true;
        const hop = hops[at];
        // What lies before a repeated delivery is its pause, not a hop.
        return hop === undefined || hop.queued || isRepeat ? [] : [hop.beyondUs];
      });
      return [pool.name, median(seen)];
    }),
  );
  return hops.map(({ queued, beyondUs }, at) =>
    queued
      ? { beforeSlotUs: usual.get(tasks[at]?.pool ?? '') ?? 0, afterSlotUs: beyondUs }
      : { beforeSlotUs: beyondUs, afterSlotUs: 0 },
  );
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;

/** From the end of the task that let another go to the other's message being on its way. */
export function releaseLags(tasks: readonly Task[]): Map<number, number> {
  const lags = new Map<number, number>();
  tasks.forEach(({ edges }, at) => {
    const edge = edges.find(({ kind }) => kind === 'window');
    const trigger = edge === undefined ? undefined : tasks[edge.from]?.edges.find(({ kind }) => kind === 'message');
    const released = trigger === undefined ? undefined : tasks[trigger.from];
    if (edge !== undefined && released !== undefined) lags.set(at, Math.max(0, edge.atUs - released.endUs));
  });
  return lags;
}
