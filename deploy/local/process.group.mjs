// Runs a command in a process group of its own, so that a signal reaches everything that it has started.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { clearInterval, setInterval } from 'node:timers';

export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Names the process that runs a group to the scripts in it. */
const RUNNER = 'CLIPMESH_RUNNER_PID';
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
    const env = { ...(options?.env ?? process.env), [RUNNER]: String(process.pid) };
    const child = spawn(command, args, { ...options, env, stdio: 'inherit', detached: true });
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

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Sends this process SIGHUP when the npm that started it is gone, or the process that runs its group. npm passes SIGINT and
 * SIGTERM on; SIGHUP and SIGKILL end npm alone, and no system reports the end of a parent in a portable way. Does nothing
 * without npm.
 */
export function endWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const runner = Number(process.env[RUNNER] ?? parent);
  const watch = setInterval(() => {
    if (process.ppid === parent && isRunning(runner)) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGHUP');
  }, PARENT_MS);
  watch.unref();
}
