// Runs a command in its own process group, so that a signal reaches everything that the command has started.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { clearInterval, setInterval } from 'node:timers';

export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Variable with the pid of the process that runs the group. */
const RUNNER = 'CLIPMESH_RUNNER_PID';
/** Time between two checks of the parent process, ms. */
const PARENT_MS = 500;

/** Exit code of a process that a signal ended, as a shell reports it. */
export const codeOf = (signal) => 128 + (constants.signals[signal] ?? 1);

/** Signals a process group. Ignores a group that has ended. */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // macOS answers EPERM when only zombies are left.
    if (!['ESRCH', 'EPERM'].includes(error.code)) throw error;
  }
}

/**
 * Runs a command on this terminal to its end and resolves with its exit code. Forwards SIGINT, SIGTERM and SIGHUP to the
 * whole group. Afterwards no process of the group is left.
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
 * Sends SIGHUP to this process when the npm that started it has ended, or the process that runs its group. npm forwards
 * SIGINT and SIGTERM, but SIGHUP and SIGKILL end only npm, and there is no portable notification of the end of a parent.
 * Does nothing without npm.
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
