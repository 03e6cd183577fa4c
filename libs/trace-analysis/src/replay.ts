import { type WindowLimit } from './bounds.js';
import { Heap } from './heap.js';
import { type Pool, type Start } from './pools.js';
import { progressOf, type Scenario, slotsIn } from './scenario.js';
import { type Task } from './task.graph.js';

export interface Replay {
  readonly makespanUs: number;
  readonly startUs: readonly number[];
  readonly endUs: readonly number[];
}
interface Happening {
  readonly atUs: number;
  readonly task: number;
  /** Ends come before the rest of the same time: a slot that falls free can be taken. `released`: by the window. */
  readonly what: 'end' | 'ready' | 'released';
}

/**
 * Plays the trace's tasks again on the scenario's slots: a task is ready when all that it needs has been handed over, and
 * the oldest ready task takes the next free slot (list scheduling, Graham 1966). Hops and waits take as long as they
 * took. Such a schedule may get longer when slots are added or work gets shorter (Graham 1969): the answer is what comes
 * out, never clamped.
 */
export function replay(
  tasks: readonly Task[],
  pools: ReadonlyMap<string, Pool>,
  starts: readonly Start[],
  window: WindowLimit | undefined,
  scenario: Scenario = {},
): Replay {
  const progress = tasks.map((task) => progressOf(task, scenario, 'elapsed'));
  const startUs = new Array<number>(tasks.length).fill(0);
  const endUs = new Array<number>(tasks.length).fill(0);
  const readyUs = new Array<number>(tasks.length).fill(0);
  const missing = tasks.map(({ edges }) => edges.filter(({ kind }) => kind !== 'window').length);
  const followers = followersOf(tasks);
  const happenings = new Heap<Happening>(
    (a, b) => a.atUs - b.atUs || Number(a.what !== 'end') - Number(b.what !== 'end') || a.task - b.task,
  );
  const byAge = (a: number, b: number): number => (readyUs[a] ?? 0) - (readyUs[b] ?? 0) || a - b;
  const waiting = new Map<string, { readonly queue: Heap<number>; free: number }>();
  for (const pool of pools.values()) {
    waiting.set(pool.name, { queue: new Heap<number>(byAge), free: slotsIn(pool, scenario) });
  }
  const held = new Heap<number>(byAge);
  let tokens = window === undefined ? Infinity : (scenario.window ?? window.size);
  const lags = lagsOf(tasks, pools, starts);
  const releases = releaseLags(tasks);
  const usualUs = median([...releases.values()]);

  const isWindowed = (at: number): boolean => window !== undefined && tasks[at]?.pool === window.pool;
  // A scene keeps its place in the window from its first try to its last.
  const isRepeat = (at: number): boolean => tasks[at]?.edges.some(({ kind }) => kind === 'retry') === true;
  const repeated = new Set(
    tasks.flatMap(({ edges }) => edges.flatMap(({ kind, from }) => (kind === 'retry' ? [from] : []))),
  );
  // What the window holds back takes its hop once it is let go.
  const hopUs = (at: number): number => (isWindowed(at) && !isRepeat(at) ? 0 : (lags[at]?.beforeSlotUs ?? 0));
  const letGo = (at: number, nowUs: number): void => {
    happenings.push({ atUs: nowUs + (lags[at]?.beforeSlotUs ?? 0), task: at, what: 'released' });
  };

  const begin = (at: number, nowUs: number): void => {
    const from = nowUs + (lags[at]?.afterSlotUs ?? 0);
    startUs[at] = from;
    const { at: reached, totalUs } = progress[at] ?? { at: () => 0, totalUs: 0 };
    endUs[at] = from + totalUs;
    happenings.push({ atUs: endUs[at], task: at, what: 'end' });
    for (const { to, atUs } of followers[at] ?? []) {
      readyUs[to] = Math.max(readyUs[to] ?? 0, from + reached(atUs));
      missing[to] = (missing[to] ?? 0) - 1;
      if (missing[to] === 0) happenings.push({ atUs: (readyUs[to] ?? 0) + hopUs(to), task: to, what: 'ready' });
    }
  };
  const queue = (at: number, nowUs: number): void => {
    readyUs[at] = nowUs;
    const lane = waiting.get(tasks[at]?.pool ?? '');
    if (lane === undefined) begin(at, nowUs);
    else if (lane.free > 0 && lane.queue.size === 0) {
      lane.free -= 1;
      begin(at, nowUs);
    } else lane.queue.push(at);
  };

  tasks.forEach((task, at) => {
    if (missing[at] === 0) happenings.push({ atUs: task.startUs, task: at, what: 'ready' });
  });
  for (let next = happenings.pop(); next !== undefined; next = happenings.pop()) {
    const { task: at, atUs: nowUs, what } = next;
    const pool = tasks[at]?.pool;
    const windowed = isWindowed(at);
    if (what !== 'end') {
      if (!windowed || what === 'released' || isRepeat(at)) queue(at, nowUs);
      else if (tokens > 0) {
        tokens -= 1;
        letGo(at, nowUs);
      } else {
        readyUs[at] = nowUs;
        held.push(at);
      }
      continue;
    }
    const lane = pool === undefined ? undefined : waiting.get(pool);
    if (lane !== undefined) {
      const waiter = lane.queue.pop();
      if (waiter === undefined) lane.free += 1;
      else begin(waiter, nowUs);
    }
    if (!windowed || repeated.has(at)) continue;
    const released = held.pop();
    if (released === undefined) tokens += 1;
    else letGo(released, nowUs + (releases.get(released) ?? usualUs));
  }
  return { makespanUs: Math.round(endUs.reduce((max, end) => Math.max(max, end), 0)), startUs, endUs };
}

function followersOf(tasks: readonly Task[]): { to: number; atUs: number }[][] {
  const followers: { to: number; atUs: number }[][] = tasks.map(() => []);
  tasks.forEach(({ edges }, to) => {
    for (const { from, kind, atUs } of edges) if (kind !== 'window') followers[from]?.push({ to, atUs });
  });
  return followers;
}

/**
 * What a task waited beyond its needs and its slot: before it was in line, or between a slot falling free and its start.
 * The hop of one that queued is not to be seen; it is taken for its pool's usual one.
 */
function lagsOf(
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

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;

/** From the end of the task that let another go to the other's message being on its way. */
function releaseLags(tasks: readonly Task[]): Map<number, number> {
  const lags = new Map<number, number>();
  tasks.forEach(({ edges }, at) => {
    const edge = edges.find(({ kind }) => kind === 'window');
    const trigger = edge === undefined ? undefined : tasks[edge.from]?.edges.find(({ kind }) => kind === 'message');
    const released = trigger === undefined ? undefined : tasks[trigger.from];
    if (edge !== undefined && released !== undefined) lags.set(at, Math.max(0, edge.atUs - released.endUs));
  });
  return lags;
}
