import { Heap } from './heap.js';
import { lagsOf, median, releaseLags } from './replay.lags.js';
import { type Progress, progressOf, type Scenario, slotsIn, type Step, type System } from '../model/scenario.js';
import { HostShares } from './host.shares.js';
import { SlotLanes } from './slot.lanes.js';
import { type Task } from '../model/task.model.js';

export interface Replay {
  readonly makespanUs: number;
  readonly startUs: readonly number[];
  readonly endUs: readonly number[];
}
interface ReplayEvent {
  readonly atUs: number;
  /** Index of the task; for `cores`, of the host. */
  readonly task: number;
  /**
   * `step`: a step of the task has ended. `cores`: a task on the host has finished computing, unless the event is outdated. Both come
   * before other events of the same time, so that freed slots can be taken. `released`: the window admits the task.
   */
  readonly what: 'step' | 'cores' | 'ready' | 'released';
}
/** A step, and the tasks that it hands over to at its end. */
interface Stage extends Step {
  readonly hands: readonly number[];
}

const RANK = { step: 0, cores: 1, ready: 2, released: 2 } as const satisfies Record<ReplayEvent['what'], number>;

/**
 * Simulates the trace's tasks with the scenario's slots. A task is ready when all its needs are handed over; the oldest ready task takes
 * the next free slot (list scheduling, Graham 1966). Hops and waits keep their measured durations; computing tasks share the cores of
 * their host. Such a schedule may get longer with more slots or cores or with less work (Graham 1969); the result is not clamped.
 */
export function replay(system: System, scenario: Scenario = {}): Replay {
  const { tasks, pools, window, hosts } = system;
  const { edgeCounts, lags, releases, usualUs, repeats, repeated, stagesOf } = preparedOf(system);
  const startUs = new Array<number>(tasks.length).fill(0);
  const endUs = new Array<number>(tasks.length).fill(0);
  const readyUs = new Array<number>(tasks.length).fill(0);
  const missing = [...edgeCounts];
  const events = new Heap<ReplayEvent>((a, b) => a.atUs - b.atUs || RANK[a.what] - RANK[b.what] || a.task - b.task);
  const byAge = (a: number, b: number): number => (readyUs[a] ?? 0) - (readyUs[b] ?? 0) || a - b;
  const lanes = new SlotLanes(pools, (pool) => slotsIn(pool, scenario), byAge);
  const shares = new HostShares(hosts, scenario, (host, atUs) => {
    events.push({ atUs, task: host, what: 'cores' });
  });
  const held = new Heap<number>(byAge);
  let tokens = window === undefined ? Infinity : (scenario.window ?? window.size);

  const isWindowed = (at: number): boolean => window !== undefined && tasks[at]?.pool === window.pool;
  // A scene keeps its place in the window from its first try to its last.
  const isRepeat = (at: number): boolean => repeats.has(at);
  // A task that the window delays has its hop after its release.
  const hopUs = (at: number): number => (isWindowed(at) && !isRepeat(at) ? 0 : (lags[at]?.beforeSlotUs ?? 0));
  const release = (at: number, nowUs: number): void => {
    events.push({ atUs: nowUs + (lags[at]?.beforeSlotUs ?? 0), task: at, what: 'released' });
  };

  const stages = new Map<number, { readonly list: readonly Stage[]; next: number }>();
  const begin = (at: number, nowUs: number): void => {
    const task = tasks[at];
    if (task === undefined) return;
    const fromUs = nowUs + (lags[at]?.afterSlotUs ?? 0);
    startUs[at] = fromUs;
    stages.set(at, { list: stagesOf(at, progressOf(task, scenario, 'elapsed')), next: 0 });
    events.push({ atUs: fromUs, task: at, what: 'step' });
  };
  const handOver = (to: number, nowUs: number): void => {
    missing[to] = (missing[to] ?? 0) - 1;
    readyUs[to] = nowUs;
    if (missing[to] === 0) events.push({ atUs: nowUs + hopUs(to), task: to, what: 'ready' });
  };
  const queue = (at: number, nowUs: number): void => {
    readyUs[at] = nowUs;
    if (lanes.take(at, tasks[at])) begin(at, nowUs);
  };
  const end = (at: number, nowUs: number): void => {
    endUs[at] = nowUs;
    stages.delete(at);
    const waiter = lanes.give(at, tasks[at]);
    if (waiter !== undefined) begin(waiter, nowUs);
    if (!isWindowed(at) || repeated.has(at)) return;
    const released = held.pop();
    if (released === undefined) tokens += 1;
    else release(released, nowUs + (releases.get(released) ?? usualUs));
  };
  /** Ends the current step of the task and starts the next one. */
  const advance = (at: number, nowUs: number): void => {
    const run = stages.get(at);
    const stage = run?.list[run.next];
    if (run === undefined) return;
    for (const to of run.list[run.next - 1]?.hands ?? []) handOver(to, nowUs);
    if (stage === undefined) {
      end(at, nowUs);
      return;
    }
    run.next += 1;
    if (stage.cpu === undefined || stage.lengthUs === 0)
      events.push({ atUs: nowUs + stage.lengthUs, task: at, what: 'step' });
    else shares.enter(lanes.hostOf(at, stage.cpu.host, tasks[at]), nowUs, at, stage.cpu.milliCores, stage.lengthUs);
  };

  tasks.forEach((task, at) => {
    if (missing[at] === 0) events.push({ atUs: task.startUs, task: at, what: 'ready' });
  });
  for (let next = events.pop(); next !== undefined; next = events.pop()) {
    const { task: at, atUs: nowUs, what } = next;
    if (what === 'step') advance(at, nowUs);
    else if (what === 'cores') for (const done of shares.leave(at, nowUs)) advance(done, nowUs);
    else if (!isWindowed(at) || what === 'released' || isRepeat(at)) queue(at, nowUs);
    else if (tokens > 0) {
      tokens -= 1;
      release(at, nowUs);
    } else {
      readyUs[at] = nowUs;
      held.push(at);
    }
  }
  return { makespanUs: endUs.reduce((max, one) => Math.max(max, one), 0), startUs, endUs };
}

interface Prepared {
  /** Number of edges of each task, without window edges. */
  readonly edgeCounts: readonly number[];
  readonly lags: ReturnType<typeof lagsOf>;
  readonly releases: ReadonlyMap<number, number>;
  readonly usualUs: number;
  /** Tasks that retry an earlier one, and tasks that are retried. */
  readonly repeats: ReadonlySet<number>;
  readonly repeated: ReadonlySet<number>;
  readonly stagesOf: (at: number, progress: Progress) => readonly Stage[];
}

const prepared = new WeakMap<System, Prepared>();

/** The data of a system that does not depend on the scenario. Computed once per system. */
function preparedOf(system: System): Prepared {
  const known = prepared.get(system);
  if (known !== undefined) return known;
  const { tasks, pools, starts } = system;
  const followers = followersOf(tasks);
  const retries = tasks.map(({ edges }) => edges.filter(({ kind }) => kind === 'retry'));
  const releases = releaseLags(tasks);
  const cut = new WeakMap<Progress, readonly Stage[]>();
  const made: Prepared = {
    edgeCounts: tasks.map(({ edges }) => edges.filter(({ kind }) => kind !== 'window').length),
    lags: lagsOf(tasks, pools, starts),
    releases,
    usualUs: median([...releases.values()]),
    repeats: new Set(retries.flatMap((edges, at) => (edges.length > 0 ? [at] : []))),
    repeated: new Set(retries.flatMap((edges) => edges.map(({ from }) => from))),
    stagesOf: (at, progress) => {
      const stages = cut.get(progress) ?? cutStages(progress, followers[at] ?? []);
      cut.set(progress, stages);
      return stages;
    },
  };
  prepared.set(system, made);
  return made;
}

function followersOf(tasks: readonly Task[]): { to: number; atUs: number }[][] {
  const followers: { to: number; atUs: number }[][] = tasks.map(() => []);
  tasks.forEach(({ edges }, to) => {
    for (const { from, kind, atUs } of edges) if (kind !== 'window') followers[from]?.push({ to, atUs });
  });
  return followers;
}

/** The steps, split at the hand-overs. The first one has zero length, for hand-overs at the start. */
function cutStages(progress: Progress, followers: readonly { to: number; atUs: number }[]): Stage[] {
  const hands = followers
    .map(({ to, atUs }) => ({ to, afterUs: progress.at(atUs) }))
    .sort((a, b) => a.afterUs - b.afterUs);
  let next = 0;
  const handedBy = (afterUs: number): number[] => {
    const from = next;
    while (next < hands.length && (hands[next]?.afterUs ?? 0) <= afterUs) next += 1;
    return hands.slice(from, next).map(({ to }) => to);
  };
  const stages: Stage[] = [{ lengthUs: 0, cpu: undefined, hands: handedBy(0) }];
  let doneUs = 0;
  for (const { lengthUs, cpu } of progress.steps) {
    const untilUs = doneUs + lengthUs;
    for (let hand = hands[next]; hand !== undefined && hand.afterUs < untilUs; hand = hands[next]) {
      stages.push({ lengthUs: hand.afterUs - doneUs, cpu, hands: handedBy(hand.afterUs) });
      doneUs = hand.afterUs;
    }
    stages.push({ lengthUs: untilUs - doneUs, cpu, hands: handedBy(untilUs) });
    doneUs = untilUs;
  }
  return stages;
}
