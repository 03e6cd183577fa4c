import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Pids in `DIR/run` by name, for example `clip-generator.1`. */
export function readPids(dataDir: string): Map<string, number> {
  const run = join(dataDir, 'run');
  const files = readdirSync(run).filter((name) => name.endsWith('.pid'));
  return new Map(files.flatMap((name) => pidIn(name, join(run, name))));
}

/** Empty when the process has ended since the folder was listed, or its pid is not written yet. */
function pidIn(name: string, file: string): [string, number][] {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return pid > 1 ? [[name.slice(0, -4), pid]] : [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Every process on this machine with `mark` in its environment, as `pid command environment`. */
export function processesWith(mark: string): string[] {
  const listing = execFileSync('ps', ['axeww', '-o', 'pid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return listing
    .split('\n')
    .filter((line) => line.includes(mark))
    .map((line) => line.trim().slice(0, 120));
}
