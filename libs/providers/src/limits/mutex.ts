import { ClipmeshError } from '@clipmesh/contracts';

/** Runs one task at a time, in the order of arrival. */
export class Mutex {
  #last: Promise<void> = Promise.resolve();

  /**
   * Runs `work` after all earlier work has released the mutex. Work releases it when it ends, or earlier by calling `release`; then
   * the next one runs concurrently. Throws `CANCELED` when the signal is aborted before the work starts.
   */
  async run<T>(signal: AbortSignal, work: (release: () => void) => Promise<T>): Promise<T> {
    const before = this.#last;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#last = before.then(() => released);
    try {
      await turn(before, signal);
      return await work(release);
    } finally {
      release();
    }
  }
}

function turn(before: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(new ClipmeshError('CANCELED', 'canceled while waiting for the mutex'));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void before.then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}
