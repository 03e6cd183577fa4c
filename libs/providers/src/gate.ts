import { ClipmeshError } from '@clipmesh/contracts';

/** One at a time, in the order of arrival. */
export class Gate {
  #last: Promise<void> = Promise.resolve();

  /**
   * Runs the work when those before it have left. It leaves when it ends, or earlier when it calls `leave`: the next one then
   * runs beside it. Throws `CANCELED` when the signal is aborted before it is this one's turn.
   */
  async pass<T>(signal: AbortSignal, work: (leave: () => void) => Promise<T>): Promise<T> {
    const before = this.#last;
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.#last = before.then(() => left);
    try {
      await turn(before, signal);
      return await work(leave);
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
