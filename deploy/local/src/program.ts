import { constants } from 'node:os';
import { HelpRequested, UsageError } from './arguments.js';
import { printable } from './terminal.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The user ended the command before it was done; the exit code says by which signal. */
export class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super('Interrupted; everything that was started has been stopped.');
    this.name = 'Interrupted';
  }
}

/** A terminal's Ctrl-C reaches a process from the terminal and from every parent that passes it on: one press within this time, ms. */
const ONE_PRESS_MS = 1000;

export interface Signals {
  /** Aborted by the first signal: put everything away in good order. */
  readonly stop: AbortSignal;
  /** Aborted by a second one: end everything at once. */
  readonly kill: AbortSignal;
}

/**
 * Runs a command: signals abort `stop`, then `kill`; an error is one sentence on stderr.
 * Exit codes: 0, 1 failed, 2 wrong arguments, 128 + signal when a signal ended what had yet to finish.
 */
export async function runProgram(main: (signals: Signals) => Promise<void>): Promise<never> {
  const stop = new AbortController();
  const kill = new AbortController();
  let firstMs = 0;
  const received = (signal: (typeof SIGNALS)[number] | 'SIGPIPE'): void => {
    if (!stop.signal.aborted) {
      firstMs = Date.now();
      stop.abort(new Interrupted(128 + constants.signals[signal]));
    } else if (Date.now() - firstMs > ONE_PRESS_MS) kill.abort();
  };
  for (const signal of SIGNALS) process.on(signal, received);
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever read our output is gone; what was started must still be stopped.
    stream.on('error', () => {
      if (!stop.signal.aborted) received('SIGPIPE');
    });
  }
  process.exit(await exitCodeOf(main({ stop: stop.signal, kill: kill.signal }), stop.signal));
}

async function exitCodeOf(work: Promise<void>, stop: AbortSignal): Promise<number> {
  try {
    await work;
    return 0;
  } catch (thrown) {
    // Whatever a call says that was cut off by the stop: the stop is the reason.
    const error: unknown = stop.aborted ? stop.reason : thrown;
    if (error instanceof HelpRequested) {
      console.log(error.message);
      return 0;
    }
    console.error(printable(error instanceof Error ? error.message : String(error)));
    if (error instanceof Interrupted) return error.exitCode;
    return error instanceof UsageError ? 2 : 1;
  }
}
