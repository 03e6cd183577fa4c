// Runs a command in a process group of its own, so that a signal reaches everything that it has started.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { clearInterval, setInterval } from 'node:timers';

export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Time between two looks at the parent process, ms. */
const PARENT_MS = 500;

/** Exit code of a process that a signal ended, as a shell reports it. */
export const codeOf = (signal) => 128 + (constants.signals[signal] ?? 1);

/** Signals a process group; one that is gone already is fine. */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // macOS answers EPERM when only zombies are left.
    if (!['ESRCH', 'EPERM'].includes(error.code)) throw error;
  }
}

/**
 * Runs a command with this terminal to its end and resolves with its exit code. Passes SIGINT, SIGTERM and SIGHUP on to
 * the whole group. After the end no process of the group is left.
 */
export function runGroup(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: 'inherit', detached: true });
    const pass = (signal) => {
      if (child.pid !== undefined) signalGroup(child.pid, signal);
    };
    for (const signal of SIGNALS) process.on(signal, pass);
    const end = () => {
      for (const signal of SIGNALS) process.off(signal, pass);
    };
    child.on('error', (error) => {
      end();
      reject(error);
    });
    child.on('exit', (code, signal) => {
      end();
      pass('SIGKILL');
      resolve(code ?? codeOf(signal));
    });
  });
}

/**
 * Sends this process SIGHUP when the npm that started it is gone. npm passes SIGINT and SIGTERM on; SIGHUP and SIGKILL end
 * npm alone, and no system tells a process of its parent's end in a portable way. Does nothing without npm.
 */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGHUP');
  }, PARENT_MS);
  watch.unref();
}
