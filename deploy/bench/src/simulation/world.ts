import { type Clock } from '@clipmesh/messaging';
import { type Random } from './random.js';

/** One process of a service. It acts only through effects; a dead process has none. */
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
/** Runs every continuation that does not wait for an effect. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * The simulated machines. Effects wait until the schedule performs them, one at a time and in any order. A process can be
 * killed before or after any of them. Only timers advance the time.
 */
export class World {
  now = START_MS;
  private effects: Effect[] = [];
  private timers: Timer[] = [];

  constructor(
    readonly random: Random,
    /** Called when a process dies; it starts the next one. */
    private readonly onDeath: (process: Process) => void,
  ) {}

  /** Performs `work` when the schedule chooses it. For a dead process it never runs and never resolves. */
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

  /** Performs one waiting effect. `crash` says whether its process dies before it, after it, or not. */
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

  /** Advances the time to the next timer, at most to `untilMs`. False when there is none. */
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
