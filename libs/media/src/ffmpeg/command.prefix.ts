import { execFile } from 'node:child_process';

const CHECK_TIMEOUT_MS = 5000;
const BYTES_PER_MB = 1_000_000;
const PARENT_DEATH = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;
const isSupportedByPrefix = new Map<string, Promise<boolean>>();

/** Runs the command to find out: busybox's programs lack options of util-linux. */
function isSupported(prefix: readonly string[]): Promise<boolean> {
  const [program = '', ...options] = prefix;
  const known = isSupportedByPrefix.get(prefix.join(' '));
  if (known !== undefined) return known;
  const found = new Promise<boolean>((resolve) => {
    execFile(
      program,
      [...options, program, '--version'],
      { timeout: CHECK_TIMEOUT_MS, killSignal: 'SIGKILL' },
      (error) => {
        resolve(error === null);
      },
    );
  });
  isSupportedByPrefix.set(prefix.join(' '), found);
  return found;
}

/**
 * Command prefix that makes the kernel kill the command when the thread that started it dies, even by SIGKILL, and that limits its
 * private memory to `memoryMb`. On systems without support a part is missing: there the children outlive a SIGKILL of this process, or
 * have no limit of their own.
 */
export async function commandPrefix(memoryMb: number | undefined): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const parts = [
    PARENT_DEATH,
    ...(memoryMb === undefined ? [] : [['prlimit', `--data=${memoryMb * BYTES_PER_MB}`, '--']]),
  ];
  const supported = await Promise.all(parts.map((part) => isSupported(part)));
  return parts.filter((_part, index) => supported[index]).flat();
}
