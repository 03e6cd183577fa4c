import { constants } from 'node:os';
import { HelpRequested, UsageError } from '../command.line.mjs';
import { printable } from './terminal.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A signal ended the command before it was done. */
export class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super('Interrupted; everything that was started has been stopped.');
    this.name = 'Interrupted';
  }
}

/** A Ctrl-C arrives from the terminal and from every parent that forwards it: signals within this time are one press, ms. */
const ONE_PRESS_MS = 1000;

export interface Signals {
  /** Aborted by the first signal: stop in order. */
  readonly stop: AbortSignal;
  /** Aborted by the second signal: kill everything at once. */
  readonly kill: AbortSignal;
}

/**
 * Runs a command. Signals abort `stop`, then `kill`. An error is one sentence on stderr.
 * Exit codes: 0 done, 1 failed, 2 wrong arguments, 128 + signal when a signal ended unfinished work.
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
    // The reader of the output is gone. Running processes must still be stopped.
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
    // After a stop, the error of an aborted call is only a consequence.
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
