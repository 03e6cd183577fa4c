import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../../processes/process.lock.mjs';
import { endRecorded, readRecord, removeRecord, writeRecord } from './process.records.js';

/** Name of the stack's process in `DIR/run`. */
export const STACK = 'stack';

/**
 * Claims a folder for the stack of this process and ends the processes that a killed stack has left: they use the broker's
 * files. Returns a function that releases the folder. Rejects with one sentence when another stack runs on it.
 */
export async function claimFolder(dataDir: string): Promise<() => void> {
  // Two stacks that start at once look and write one after the other.
  await withLock(join(dataDir, 'run', `${STACK}.lock`), () => {
    claim(dataDir);
  });
  rmSync(join(dataDir, 'run', 'stack.json'), { force: true });
  await endRecorded(dataDir, 0, STACK);
  return () => {
    removeRecord(dataDir, STACK);
  };
}

function claim(dataDir: string): void {
  const holder = readRecord(dataDir, STACK);
  if (holder !== undefined && holder.pid !== process.pid)
    throw new Error(`a stack already runs on ${dataDir} (pid ${holder.pid}); stop it, or choose another with --data`);
  writeRecord(dataDir, STACK, process.pid, true);
}
