import { type Pool, type Start } from '../model/pools.js';
import { type Task } from '../model/task.model.js';

/**
 * The additional delays of a task: before it queues, or between a free slot and its start. The hop of a queued task is not visible, so
 * the median hop of its pool is used.
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
        // The time before a redelivery is its pause, not a hop.
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

/** The delay from the end of the task that freed a place in the window to the next task's message, us, by task. */
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
