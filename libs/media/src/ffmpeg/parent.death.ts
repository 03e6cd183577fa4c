import { execFile } from 'node:child_process';

const CHECK_TIMEOUT_MS = 5000;
const PREFIX = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

/** Runs the command to find out: busybox's setpriv lacks the option of util-linux. */
function isSupported(): Promise<boolean> {
  const [program, ...options] = PREFIX;
  return new Promise((resolve) => {
    execFile(
      program,
      [...options, program, '--version'],
      { timeout: CHECK_TIMEOUT_MS, killSignal: 'SIGKILL' },
      (error) => {
        resolve(error === null);
      },
    );
  });
}

let prefix: Promise<readonly string[]> | undefined;

/**
 * Command prefix that makes the kernel kill the command when the thread that started it dies, even by SIGKILL. Empty on systems without
 * support: there the children outlive a SIGKILL of this process.
 */
export function parentDeathPrefix(): Promise<readonly string[]> {
  return (prefix ??=
    process.platform === 'linux' ? isSupported().then((can) => (can ? PREFIX : [])) : Promise.resolve([]));
}
