import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { identityOf } from '../../processes/process.identity.mjs';

const recordSchema = z.object({
  pid: z.int().min(2),
  /** {@link identityOf} of the process. */
  identity: z.string().min(1),
  /** Ended after all others, which need it while they stop. */
  last: z.boolean(),
});
export type ProcessRecord = z.infer<typeof recordSchema> & { readonly name: string };

const RECORD = '.process.json';
/** Pause between two checks of processes that are not children of this one: their end raises no event, ms. */
const CHECK_MS = 50;
/** Longest time from SIGKILL to the end of a process, ms. */
const KILL_MS = 10_000;

/** Signals a whole process group. Ignores a group that has ended. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  signalled(-pid, signal);
}

function signalled(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // macOS answers EPERM when only zombies are left.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Writes `DIR/run/NAME.pid` for users, and beside it a record that identifies the process even when its pid is reused. */
export function writeRecord(dir: string, name: string, pid: number, last: boolean): void {
  const identity = identityOf(pid);
  // The process has ended.
  if (identity === undefined) return;
  writeFileSync(join(dir, 'run', `${name}${RECORD}`), JSON.stringify({ pid, identity, last }));
  writeFileSync(join(dir, 'run', `${name}.pid`), `${pid}\n`);
}

export function removeRecord(dir: string, name: string): void {
  for (const suffix of ['.pid', RECORD]) rmSync(join(dir, 'run', `${name}${suffix}`), { force: true });
}

/** The process of a record. Undefined when there is no readable record or the process has ended. */
export function readRecord(dir: string, name: string): ProcessRecord | undefined {
  try {
    const text = readFileSync(join(dir, 'run', `${name}${RECORD}`), 'utf8');
    const record = { name, ...recordSchema.parse(JSON.parse(text)) };
    return isRunning(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

const isRunning = ({ pid, identity }: ProcessRecord): boolean => identityOf(pid) === identity;

function namesIn(dir: string): string[] {
  const files = readdirSync(join(dir, 'run'));
  return [...new Set(files.flatMap((file) => /^(.+?)(?:\.pid|\.process\.json)$/.exec(file)?.[1] ?? []))];
}

/**
 * Ends every recorded process of a folder with its group, except `except`, and removes the records. Each gets SIGTERM, and
 * SIGKILL `graceMs` later (0: at once); those with `last` after all others. Does not touch a process that only reuses the
 * pid of a recorded one. Resolves when all have ended.
 */
export async function endRecorded(dir: string, graceMs: number, except: string): Promise<void> {
  const names = namesIn(dir).filter((name) => name !== except);
  const records = names.flatMap((name) => readRecord(dir, name) ?? []);
  for (const last of [false, true]) {
    const some = records.filter((record) => record.last === last && isRunning(record));
    if (graceMs > 0) {
      for (const { pid } of some) signalled(pid, 'SIGTERM');
      await gone(some, graceMs);
    }
    // The group may outlive its leader. A process with another identity only reuses the pid.
    for (const { pid, identity } of some) if ((identityOf(pid) ?? identity) === identity) signalGroup(pid, 'SIGKILL');
    await gone(some, KILL_MS);
  }
  // A stack that started meanwhile has written its own records.
  for (const name of names) if (readRecord(dir, name) === undefined) removeRecord(dir, name);
}

async function gone(records: readonly ProcessRecord[], withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (records.some(isRunning) && performance.now() < deadline) await sleep(CHECK_MS);
}
