import { type Clock } from '@clipmesh/messaging';
import { type Random } from './random.js';

/** One running process of a service. What it does reaches the world through effects; when it is dead, none does. */
export interface Process {
  readonly name: string;
  alive: boolean;
}

interface Effect {
  readonly process: Process;
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Timer {
  readonly at: number;
  readonly process: Process;
  readonly fire: () => void;
}

const START_MS = Date.parse('2026-01-01T00:00:00.000Z');
/** Lets every continuation run that does not wait for an effect. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * The simulated machine park: effects wait until the schedule lets them happen, one at a time and in any order, and a
 * process can be killed before or after any of them. Time stands still but for timers.
 */
export class World {
  now = START_MS;
  private effects: Effect[] = [];
  private timers: Timer[] = [];

  constructor(
    readonly random: Random,
    /** Called when a process is to die; it puts another in its place. */
    private readonly onDeath: (process: Process) => void,
  ) {}

  /** Does `work` at a moment of the schedule's choosing. Of a dead process it never happens, and never returns. */
  effect<T>(process: Process, work: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (process.alive) this.effects.push({ process, work, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  clockOf(process: Process): Clock {
    return {
      now: () => this.now,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const abort = (): void => {
            reject(signal?.reason as Error);
          };
          if (signal?.aborted === true) abort();
          else {
            signal?.addEventListener('abort', abort);
            this.at(this.now + ms, process, () => {
              signal?.removeEventListener('abort', abort);
              resolve();
            });
          }
        }),
    };
  }

  at(atMs: number, process: Process, fire: () => void): void {
    this.timers.push({ at: atMs, process, fire });
  }

  kill(process: Process): void {
    process.alive = false;
    this.effects = this.effects.filter((effect) => effect.process !== process);
    this.timers = this.timers.filter((timer) => timer.process !== process);
    this.onDeath(process);
  }

  get waiting(): number {
    return this.effects.length;
  }

  /** Lets one waiting effect happen. `crash` says when its process dies of it. */
  async happen(crash: 'before' | 'after' | 'no'): Promise<void> {
    const [effect] = this.effects.splice(this.random.below(this.effects.length), 1);
    if (effect === undefined) return;
    if (crash === 'before') this.kill(effect.process);
    else {
      let result: unknown;
      let failure: { error: unknown } | undefined;
      try {
        result = await effect.work();
      } catch (error) {
        failure = { error };
      }
      if (crash === 'after') this.kill(effect.process);
      else if (failure === undefined) effect.resolve(result);
      else effect.reject(failure.error);
    }
    await settled();
  }

  /** Moves on to the next timer, not beyond `untilMs`; false when there is none. */
  async advance(untilMs: number): Promise<boolean> {
    const next = this.timers.reduce<Timer | undefined>(
      (first, timer) => (first === undefined || timer.at < first.at ? timer : first),
      undefined,
    );
    if (next === undefined || next.at > untilMs) return false;
    this.timers.splice(this.timers.indexOf(next), 1);
    this.now = Math.max(this.now, next.at);
    next.fire();
    await settled();
    return true;
  }
}
