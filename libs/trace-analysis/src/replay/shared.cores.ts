import { Heap } from './heap.js';

/** Units of progress per microsecond, so that slowed progress stays an integer. */
const UNITS_PER_US = 1000;

interface RunningTask {
  readonly id: number;
  readonly milliCores: number;
  /** Value of `progress` at its end. */
  readonly doneAt: number;
}

/**
 * The cores of one host under processor sharing. Each task requests a number of cores. When the sum exceeds the available cores, all
 * tasks progress at the same rate, available over requested cores.
 */
export class SharedCores {
  private readonly inside = new Heap<RunningTask>((a, b) => a.doneAt - b.doneAt || a.id - b.id);
  private asked = 0;
  private progress = 0;
  private lastUs = 0;

  /** @param milliCores Cores of the host, thousandths. Infinity: no slow-down. */
  constructor(private readonly milliCores: number) {}

  /** Starts a task that ends after `freeUs` of progress. Time must not go back. */
  enter(nowUs: number, id: number, milliCores: number, freeUs: number): void {
    this.advance(nowUs);
    this.asked += milliCores;
    this.inside.push({ id, milliCores, doneAt: this.progress + freeUs * UNITS_PER_US });
  }

  /** Time of the next end if nothing else starts, whole us; undefined when no task runs. */
  nextUs(): number | undefined {
    const first = this.inside.peek();
    if (first === undefined) return undefined;
    return this.lastUs + Math.ceil(Math.max(0, first.doneAt - this.progress) / UNITS_PER_US / this.rate());
  }

  /** Removes and returns the tasks that have ended by `nowUs`, in order of their ends. */
  leave(nowUs: number): number[] {
    const dueUs = this.nextUs();
    this.advance(nowUs);
    const done: number[] = [];
    // Rounding must not delay the task that is due.
    if (dueUs !== undefined && dueUs <= nowUs)
      this.progress = Math.max(this.progress, this.inside.peek()?.doneAt ?? this.progress);
    for (let first = this.inside.peek(); first !== undefined; first = this.inside.peek()) {
      if (first.doneAt > this.progress) break;
      this.inside.pop();
      this.asked -= first.milliCores;
      done.push(first.id);
    }
    return done;
  }

  private rate(): number {
    return this.asked <= this.milliCores ? 1 : this.milliCores / this.asked;
  }

  private advance(nowUs: number): void {
    this.progress += Math.floor((nowUs - this.lastUs) * UNITS_PER_US * this.rate());
    this.lastUs = nowUs;
  }
}
