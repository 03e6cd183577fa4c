import { ClipmeshError } from '../failure/failure.js';

/** Runs up to `limit` tasks at once, in the order of arrival. With a limit of 1 it is a mutex. */
export class Semaphore {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.free = Math.max(1, limit);
  }

  /**
   * Runs `work` when a slot is free. The slot is free again when the work ends, or earlier when it calls `release`. Throws
   * `CANCELED` when the signal aborts before the work starts.
   */
  async run<T>(signal: AbortSignal, work: (release: () => void) => Promise<T>): Promise<T> {
    if (signal.aborted) throw canceled();
    if (this.free > 0) this.free -= 1;
    else await this.waitForSlot(signal);
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    };
    try {
      return await work(release);
    } finally {
      release();
    }
  }

  private waitForSlot(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        signal.removeEventListener('abort', cancel);
        resolve();
      };
      const cancel = (): void => {
        this.waiting.splice(this.waiting.indexOf(start), 1);
        reject(canceled());
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.waiting.push(start);
    });
  }
}

const canceled = (): ClipmeshError => new ClipmeshError('CANCELED', 'canceled before the work started');
