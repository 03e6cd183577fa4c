import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endRecorded, readRecord, removeRecord, writeRecord } from './process.records.js';

/** Name of the stack's process in `DIR/run`. */
export const STACK = 'stack';

const taken = (pid: number | undefined): string => (pid === undefined ? '' : ` (pid ${pid})`);

/**
 * Claims a folder for the stack of this process and ends the processes that a killed stack has left: they use the broker's
 * files. Returns a function that releases the folder. Rejects with one sentence when another stack runs on it.
 */
export async function claimFolder(dataDir: string): Promise<() => void> {
  const refuse = (pid?: number): never => {
    throw new Error(`a stack already runs on ${dataDir}${taken(pid)}; stop it, or choose another with --data`);
  };
  const holder = readRecord(dataDir, STACK);
  if (holder !== undefined && holder.pid !== process.pid) refuse(holder.pid);
  removeRecord(dataDir, STACK);
  try {
    writeFileSync(join(dataDir, 'run', `${STACK}.pid`), `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') refuse();
    throw error;
  }
  writeRecord(dataDir, STACK, process.pid, true);
  rmSync(join(dataDir, 'run', 'stack.json'), { force: true });
  await endRecorded(dataDir, 0, STACK);
  return () => {
    removeRecord(dataDir, STACK);
  };
}
