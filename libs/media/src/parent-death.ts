import { execFile } from 'node:child_process';

const CHECK_MS = 5000;
const PREFIX = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

/** util-linux has the option, busybox's program of the same name does not: so it is tried, not looked up. */
function works(): Promise<boolean> {
  const [program, ...options] = PREFIX;
  return new Promise((resolve) => {
    execFile(program, [...options, program, '--version'], { timeout: CHECK_MS, killSignal: 'SIGKILL' }, (error) => {
      resolve(error === null);
    });
  });
}

let prefix: Promise<readonly string[]> | undefined;

/**
 * What to put before a command so that the kernel kills it when the thread that started it dies, by SIGKILL too.
 * Empty where the system cannot: there a SIGKILL of this process leaves its children running until they end.
 */
export function parentDeathPrefix(): Promise<readonly string[]> {
  return (prefix ??= process.platform === 'linux' ? works().then((can) => (can ? PREFIX : [])) : Promise.resolve([]));
}
