import { Heap } from './heap.js';

/** Parts of a microsecond that progress is counted in, so that slowed progress stays in whole numbers. */
const PARTS = 1000;

interface Sharer {
  readonly id: number;
  readonly milliCores: number;
  /** Where the clock of progress stands when it is done. */
  readonly doneAt: number;
}

/**
 * The cores of one host, shared by what computes on it (processor sharing). Each asks for so many cores. Where all
 * together ask for more than there are, all make progress at the same rate below 1: cores over what is asked for.
 */
export class SharedCores {
  private readonly inside = new Heap<Sharer>((a, b) => a.doneAt - b.doneAt || a.id - b.id);
  private asked = 0;
  private progress = 0;
  private lastUs = 0;

  /** @param milliCores Cores of the host, thousandths. Infinity: nothing slows anything. */
  constructor(private readonly milliCores: number) {}

  /** From now on it computes, and is done after `freeUs` of progress. Time must not go back. */
  enter(nowUs: number, id: number, milliCores: number, freeUs: number): void {
    this.advance(nowUs);
    this.asked += milliCores;
    this.inside.push({ id, milliCores, doneAt: this.progress + freeUs * PARTS });
  }

  /** When the first of those inside is done if nothing else enters, whole us; undefined where none is inside. */
  nextUs(): number | undefined {
    const first = this.inside.peek();
    if (first === undefined) return undefined;
    return this.lastUs + Math.ceil(Math.max(0, first.doneAt - this.progress) / PARTS / this.rate());
  }

  /** Takes out those that are done by then, the first first. */
  leave(nowUs: number): number[] {
    const dueUs = this.nextUs();
    this.advance(nowUs);
    const done: number[] = [];
    // Rounding must not keep the one inside whose time it is.
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
    this.progress += Math.floor((nowUs - this.lastUs) * PARTS * this.rate());
    this.lastUs = nowUs;
  }
}
