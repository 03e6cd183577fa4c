import { type HostCores } from './cpu.use.js';
import { type Pool, type Start } from './pools.js';
import { type Task } from './task.model.js';

/** The pool that the window of scenes limits, and the number of scenes in the window. */
export interface WindowLimit {
  readonly pool: string;
  readonly size: number;
}

/** The measured tasks and their limits. */
export interface System {
  readonly tasks: readonly Task[];
  readonly pools: ReadonlyMap<string, Pool>;
  readonly starts: readonly Start[];
  readonly window: WindowLimit | undefined;
  /** The hosts whose cores the tasks shared, as far as known. */
  readonly hosts: ReadonlyMap<string, HostCores>;
}

/** A changed system. `{}`: unchanged. */
export interface Scenario {
  /** Changed slots by pool. */
  readonly slots?: Readonly<Record<string, number>>;
  /** Speed factors by stage. They divide the work's time and CPU time, not the waits. */
  readonly speed?: Readonly<Record<string, number>>;
  /** Number of scenes in flight. */
  readonly window?: number;
  /** Factors of the cores by host. */
  readonly cores?: Readonly<Record<string, number>>;
}

export const slotsIn = (pool: Pool, scenario: Scenario): number => scenario.slots?.[pool.name] ?? pool.slots;

/** Cores of a host, thousandths. */
export const coresIn = (host: HostCores, scenario: Scenario): number =>
  Math.max(1, Math.round(host.milliCores * (scenario.cores?.[host.id] ?? 1)));

/** Cores that the trace's processes can use, thousandths. Other processes use as many as before. */
export const leftIn = (host: HostCores, scenario: Scenario): number =>
  Math.max(1, host.leftMilliCores + coresIn(host, scenario) - host.milliCores);

/**
 * Distributes the wanted slots of a pool over its hosts. Adds slots where there are the fewest, and removes them where there are the
 * most.
 */
export function slotsByHost({ hosts, slots }: Pool, wanted: number): Map<string, number> {
  const counts = hosts.map((one) => ({ ...one }));
  for (let left = wanted - slots; left !== 0; left -= Math.sign(left)) {
    const [first] = [...counts].sort((a, b) => (left > 0 ? a.slots - b.slots : b.slots - a.slots));
    if (first !== undefined) first.slots += Math.sign(left);
  }
  return new Map(counts.map((one) => [one.id, one.slots]));
}

/** A step of a task in the scenario, without slow-down. */
export interface Step {
  readonly lengthUs: number;
  /** The demand of a computing step. */
  readonly cpu: { readonly host: string; readonly milliCores: number } | undefined;
}

/** Maps times of the measured trace to the progress of a task in the scenario, us. */
export interface Progress {
  readonly at: (us: number) => number;
  readonly totalUs: number;
  /** They add up to `totalUs`. */
  readonly steps: readonly Step[];
}

type Count = 'elapsed' | 'needed';
/** Cached progress of tasks whose stages keep their speed. */
const unchanged = { elapsed: new WeakMap<Task, Progress>(), needed: new WeakMap<Task, Progress>() };

/**
 * The progress of a task, with durations on enough cores; the replay models shared cores. `elapsed` counts all time of the task. `needed`
 * counts only its work, without waits, and nothing for a failed try. The task must not change afterwards. Returns the same object each
 * time for a task whose stages keep their speed.
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
