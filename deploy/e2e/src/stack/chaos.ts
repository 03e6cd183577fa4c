import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../eventually.js';
import { isAlive } from './processes.js';
import { type LocalStack } from './local.stack.js';

const BACK_MS = 120_000;

export interface ChaosOptions {
  /** Time between two kills, ms. */
  readonly everyMs: number;
  /** Names of processes that may be killed, as in `DIR/run`. */
  readonly victims: (name: string) => boolean;
  /** Chooses the next victim: a number in [0, 1). */
  readonly random: () => number;
}

/** Kills a random process with SIGKILL repeatedly, until it is stopped. The supervisor of the stack restarts them. */
export class Chaos {
  readonly killed: string[] = [];
  private readonly stopping = new AbortController();
  private readonly done: Promise<void>;

  constructor(
    private readonly stack: LocalStack,
    private readonly options: ChaosOptions,
  ) {
    this.done = this.run();
  }

  /** Stops killing. Resolves when all killed processes are back and the gateway answers. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.done;
    await eventually('the dead to be back', BACK_MS, async () => {
      const alive = [...this.stack.pids().values()].every(isAlive);
      const ready = await fetch(`${this.stack.urls.gateway}/readyz`, { signal: AbortSignal.timeout(5_000) })
        .then(({ ok }) => ok)
        .catch(() => false);
      return alive && ready ? true : undefined;
    });
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { everyMs, victims, random } = this.options;
    while (!signal.aborted) {
      const alive = [...this.stack.pids()].filter(([name, pid]) => victims(name) && isAlive(pid));
      const victim = alive[Math.floor(random() * alive.length)];
      if (victim !== undefined) {
        const [name, pid] = victim;
        process.kill(pid, 'SIGKILL');
        this.killed.push(name);
      }
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
