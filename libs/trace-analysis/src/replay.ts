import { Heap } from './heap.js';
import { lagsOf, median, releaseLags } from './replay.lags.js';
import { type Progress, progressOf, type Scenario, slotsIn, type Step, type System } from './scenario.js';
import { HostShares } from './host.shares.js';
import { SlotLanes } from './slot.lanes.js';
import { type Task } from './task.graph.js';

export interface Replay {
  readonly makespanUs: number;
  readonly startUs: readonly number[];
  readonly endUs: readonly number[];
}
interface Happening {
  readonly atUs: number;
  /** Its index; of `cores`, the host's. */
  readonly task: number;
  /**
   * `step`: a step of the task is over. `cores`: a task on the host has computed enough, if nothing has changed there.
   * Both come before the rest of the same time: a slot that falls free can be taken. `released`: by the window.
   */
  readonly what: 'step' | 'cores' | 'ready' | 'released';
}
/** A step, and whom it hands over to at its end. */
interface Stage extends Step {
  readonly hands: readonly number[];
}

const RANK = { step: 0, cores: 1, ready: 2, released: 2 } as const satisfies Record<Happening['what'], number>;

/**
 * Plays the trace's tasks again on the scenario's slots: a task is ready when all that it needs has been handed over, and
 * the oldest ready task takes the next free slot (list scheduling, Graham 1966). Hops and waits take as long as they
 * took; what computes shares the cores of its host. Such a schedule may get longer when slots or cores are added or work
 * gets shorter (Graham 1969): the answer is what comes out, never clamped.
 */
export function replay(system: System, scenario: Scenario = {}): Replay {
  const { tasks, pools, window, hosts } = system;
  const { edgeCounts, lags, releases, usualUs, repeats, repeated, stagesOf } = preparedOf(system);
  const startUs = new Array<number>(tasks.length).fill(0);
  const endUs = new Array<number>(tasks.length).fill(0);
  const readyUs = new Array<number>(tasks.length).fill(0);
  const missing = [...edgeCounts];
  const happenings = new Heap<Happening>((a, b) => a.atUs - b.atUs || RANK[a.what] - RANK[b.what] || a.task - b.task);
  const byAge = (a: number, b: number): number => (readyUs[a] ?? 0) - (readyUs[b] ?? 0) || a - b;
  const lanes = new SlotLanes(pools, (pool) => slotsIn(pool, scenario), byAge);
  const shares = new HostShares(hosts, scenario, (host, atUs) => {
    happenings.push({ atUs, task: host, what: 'cores' });
  });
  const held = new Heap<number>(byAge);
  let tokens = window === undefined ? Infinity : (scenario.window ?? window.size);

  const isWindowed = (at: number): boolean => window !== undefined && tasks[at]?.pool === window.pool;
  // A scene keeps its place in the window from its first try to its last.
  const isRepeat = (at: number): boolean => repeats.has(at);
  // What the window holds back takes its hop once it is let go.
  const hopUs = (at: number): number => (isWindowed(at) && !isRepeat(at) ? 0 : (lags[at]?.beforeSlotUs ?? 0));
  const letGo = (at: number, nowUs: number): void => {
    happenings.push({ atUs: nowUs + (lags[at]?.beforeSlotUs ?? 0), task: at, what: 'released' });
  };

  const stages = new Map<number, { readonly list: readonly Stage[]; next: number }>();
  const begin = (at: number, nowUs: number): void => {
    const task = tasks[at];
    if (task === undefined) return;
    const fromUs = nowUs + (lags[at]?.afterSlotUs ?? 0);
    startUs[at] = fromUs;
    stages.set(at, { list: stagesOf(at, progressOf(task, scenario, 'elapsed')), next: 0 });
    happenings.push({ atUs: fromUs, task: at, what: 'step' });
  };
  const handOver = (to: number, nowUs: number): void => {
    missing[to] = (missing[to] ?? 0) - 1;
    readyUs[to] = nowUs;
    if (missing[to] === 0) happenings.push({ atUs: nowUs + hopUs(to), task: to, what: 'ready' });
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
    else letGo(released, nowUs + (releases.get(released) ?? usualUs));
  };
  /** The step that the task was in is over. */
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
      happenings.push({ atUs: nowUs + stage.lengthUs, task: at, what: 'step' });
    else shares.enter(lanes.hostOf(at, stage.cpu.host, tasks[at]), nowUs, at, stage.cpu.milliCores, stage.lengthUs);
  };

  tasks.forEach((task, at) => {
    if (missing[at] === 0) happenings.push({ atUs: task.startUs, task: at, what: 'ready' });
  });
  for (let next = happenings.pop(); next !== undefined; next = happenings.pop()) {
    const { task: at, atUs: nowUs, what } = next;
    if (what === 'step') advance(at, nowUs);
    else if (what === 'cores') for (const done of shares.leave(at, nowUs)) advance(done, nowUs);
    else if (!isWindowed(at) || what === 'released' || isRepeat(at)) queue(at, nowUs);
    else if (tokens > 0) {
      tokens -= 1;
      letGo(at, nowUs);
    } else {
      readyUs[at] = nowUs;
      held.push(at);
    }
  }
  return { makespanUs: endUs.reduce((max, one) => Math.max(max, one), 0), startUs, endUs };
}

interface Prepared {
  /** Edges of each task that are no window's. */
  readonly edgeCounts: readonly number[];
  readonly lags: ReturnType<typeof lagsOf>;
  readonly releases: ReadonlyMap<number, number>;
  readonly usualUs: number;
  /** Tasks that are another try of one before, and those that have another try after them. */
  readonly repeats: ReadonlySet<number>;
  readonly repeated: ReadonlySet<number>;
  readonly stagesOf: (at: number, progress: Progress) => readonly Stage[];
}

const prepared = new WeakMap<System, Prepared>();

/** What every replay of a system begins with, whatever the scenario; made once. */
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

/** The steps, cut where the task hands over. The first has no length: what is handed over at the start goes with it. */
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
