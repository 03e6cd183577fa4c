import { constants } from 'node:os';
import { UsageError } from './arguments.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The user ended the command; everything is put away and the exit code says which signal it was. */
export class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/**
 * Runs a command: signals abort `signal` (a second one changes nothing, the way out is bounded), an error is one
 * sentence on stderr. Exit codes: 0, 1 failed, 2 wrong arguments, 128 + signal interrupted.
 */
export async function runProgram(main: (signal: AbortSignal) => Promise<void>): Promise<never> {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (!controller.signal.aborted) controller.abort(new Interrupted(128 + constants.signals[signal]));
    });
  }
  let exitCode = 0;
  try {
    await main(controller.signal);
  } catch (error) {
    exitCode = error instanceof UsageError ? 2 : 1;
    if (!controller.signal.aborted) console.error(error instanceof Error ? error.message : String(error));
  }
  const reason: unknown = controller.signal.reason;
  process.exit(reason instanceof Interrupted ? reason.exitCode : exitCode);
}
