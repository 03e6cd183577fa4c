import { ClipmeshError } from '@clipmesh/contracts';

/** Runs up to `limit` tasks concurrently, in the order of arrival. */
export class Semaphore {
  private free: number;
  private readonly waiting: (() => void)[] = [];
  constructor(limit: number) {
    this.free = Math.max(1, limit);
  }
  /** Runs `work` when a slot is free. Rejects with `CANCELED` when the signal aborts before that. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw canceled();
    if (this.free > 0) this.free -= 1;
    else await this.waitForSlot(signal);
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
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

function canceled(): ClipmeshError {
  return new ClipmeshError('CANCELED', 'the work was canceled before its process started');
}
