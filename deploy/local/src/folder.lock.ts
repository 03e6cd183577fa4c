import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jaegerFile } from './jaeger.js';
import { signalGroup } from './supervisor.js';

const LOCK = 'stack.pid';

const taken = (dataDir: string, pid: number | undefined): Error =>
  new Error(
    `a stack is running on ${dataDir} already${pid === undefined ? '' : ` (pid ${pid})`}; stop it, or choose another with --data`,
  );

function commandOf(pid: number): string {
  const { stdout } = spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8', timeout: 5_000 });
  return typeof stdout === 'string' ? stdout.trim() : '';
}

function readPid(file: string): number | undefined {
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

/**
 * One stack per folder. Processes that a killed stack left behind are ended first: they hold the broker's files.
 * Pids are used again by the system, so one counts only while its command line is still ours.
 */
export function claimFolder(dataDir: string): () => void {
  const run = join(dataDir, 'run');
  const lock = join(run, LOCK);
  const holder = readPid(lock);
  if (holder !== undefined && holder !== process.pid && /deploy\/local\/dist\/(up|demo)\.js/.test(commandOf(holder))) {
    throw taken(dataDir, holder);
  }
  for (const name of readdirSync(run)) {
    if (!name.endsWith('.pid') || name === LOCK) continue;
    const pid = readPid(join(run, name));
    const command = pid === undefined ? '' : commandOf(pid);
    const isOurs =
      / dist\/services\/[a-z-]+\.js$/.test(command) ||
      command.includes(`-sd ${join(dataDir, 'nats')} `) ||
      command.endsWith(`--config ${jaegerFile(dataDir)}`);
    if (pid !== undefined && isOurs) signalGroup(pid, 'SIGKILL');
    rmSync(join(run, name), { force: true });
  }
  rmSync(lock, { force: true });
  try {
    writeFileSync(lock, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(dataDir, undefined);
    throw error;
  }
  return () => {
    rmSync(lock, { force: true });
  };
}
