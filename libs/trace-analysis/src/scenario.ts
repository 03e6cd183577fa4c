import { type WindowLimit } from './bounds.js';
import { type HostCores } from './cpu.use.js';
import { type Pool, type Start } from './pools.js';
import { type Task } from './task.graph.js';

/** What was measured: the tasks, and the limits that they ran under. */
export interface System {
  readonly tasks: readonly Task[];
  readonly pools: ReadonlyMap<string, Pool>;
  readonly starts: readonly Start[];
  readonly window: WindowLimit | undefined;
  /** Those whose cores the tasks shared, as far as the trace says. */
  readonly hosts: ReadonlyMap<string, HostCores>;
}

/** The system as it was, or with something changed. */
export interface Scenario {
  /** Slots of a pool, where they differ. */
  readonly slots?: Readonly<Record<string, number>>;
  /** A stage's work takes 1/n of its time, and of its CPU time; its waits stay. */
  readonly speed?: Readonly<Record<string, number>>;
  /** Scenes in flight at once. */
  readonly window?: number;
  /** A host has n times its cores. */
  readonly cores?: Readonly<Record<string, number>>;
}

export const slotsIn = (pool: Pool, scenario: Scenario): number => scenario.slots?.[pool.name] ?? pool.slots;

/** Cores of a host, thousandths. */
export const coresIn = (host: HostCores, scenario: Scenario): number =>
  Math.max(1, Math.round(host.milliCores * (scenario.cores?.[host.id] ?? 1)));

/** Those that the trace's own processes get of them: what others take they take as before. */
export const leftIn = (host: HostCores, scenario: Scenario): number =>
  Math.max(1, host.leftMilliCores + coresIn(host, scenario) - host.milliCores);

/**
 * How many of so many slots each host of a pool has: those added go where the fewest are, those taken away come from
 * where the most are.
 */
export function slotsByHost({ hosts, slots }: Pool, wanted: number): Map<string, number> {
  const counts = hosts.map((one) => ({ ...one }));
  for (let left = wanted - slots; left !== 0; left -= Math.sign(left)) {
    const [first] = [...counts].sort((a, b) => (left > 0 ? a.slots - b.slots : b.slots - a.slots));
    if (first !== undefined) first.slots += Math.sign(left);
  }
  return new Map(counts.map((one) => [one.id, one.slots]));
}

/** A stretch of a task in the scenario, as long as nothing slows it. */
export interface Step {
  readonly lengthUs: number;
  /** What it asks of a host's cores, where it computes. */
  readonly cpu: { readonly host: string; readonly milliCores: number } | undefined;
}

/** How far a task has come at a time of the measured trace, in whole microseconds of the scenario. */
export interface Progress {
  readonly at: (us: number) => number;
  readonly totalUs: number;
  /** They add up to `totalUs`. */
  readonly steps: readonly Step[];
}

type Count = 'elapsed' | 'needed';
/** The progress of tasks whose stages keep their speed: the same in every scenario. */
const unchanged = { elapsed: new WeakMap<Task, Progress>(), needed: new WeakMap<Task, Progress>() };

/**
 * Lengths are those on enough cores: what shares them is slowed by the replay. `elapsed` counts all of a task's time.
 * `needed` counts the work alone, which no schedule can do without: not its waits, and nothing of a try that failed.
 * A task must not change afterwards. Of a task whose stages keep their speed the answer is the same object each time.
 */
export function progressOf(task: Task, { speed }: Scenario, count: Count): Progress {
  if (speed !== undefined && task.pieces.some(({ stage }) => stage !== undefined && stage in speed))
    return measure(task, speed, count);
  const known = unchanged[count].get(task);
  if (known !== undefined) return known;
  const progress = measure(task, {}, count);
  unchanged[count].set(task, progress);
  return progress;
}

function measure(task: Task, speeds: Readonly<Record<string, number>>, count: Count): Progress {
  const { pieces, startUs } = task;
  const ends: number[] = [];
  const steps: Step[] = [];
  let sum = 0;
  for (const piece of pieces) {
    const stage = piece.waitClass === undefined ? piece.stage : undefined;
    const speed = stage === undefined ? 1 : (speeds[stage] ?? 1);
    const counts = count === 'elapsed' || (stage !== undefined && !task.failed);
    const before = Math.round(sum);
    sum += counts ? (piece.cpu?.freeUs ?? piece.endUs - piece.startUs) / speed : 0;
    ends.push(Math.round(sum));
    const lengthUs = Math.round(sum) - before;
    const { cpu } = piece;
    if (lengthUs > 0)
      steps.push({ lengthUs, cpu: cpu === undefined ? undefined : { host: cpu.host, milliCores: cpu.milliCores } });
  }
  const at = (us: number): number => {
    if (us <= startUs) return 0;
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pieces[middle]?.endUs ?? 0) < us) low = middle + 1;
      else high = middle;
    }
    const piece = pieces[low];
    if (piece === undefined) return Math.round(sum);
    const before = low === 0 ? 0 : (ends[low - 1] ?? 0);
    const share = (us - piece.startUs) / (piece.endUs - piece.startUs);
    return Math.round(before + ((ends[low] ?? 0) - before) * share);
  };
  return { at, totalUs: Math.round(sum), steps };
}
