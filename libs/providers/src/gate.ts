import { ClipmeshError } from '@clipmesh/contracts';

/** One at a time, in the order of arrival. */
export class Gate {
  #last: Promise<void> = Promise.resolve();

  /** Throws `CANCELED` when the signal is aborted before it is this one's turn. */
  async pass<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.#last = before.then(() => left);
    try {
      await turn(before, signal);
      return await work();
    } finally {
      leave();
    }
  }
}

function turn(before: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(new ClipmeshError('CANCELED', 'canceled while others were at the gate'));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void before.then(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}
