// A lock among processes. Plain Node, no dependencies.
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf } from '../local/process.identity.mjs';

/** Pause between two looks at a lock of another process: its end raises no event, ms. */
const CHECK_MS = 250;

/** Whether the process that wrote the lock still runs. */
function isHeld(file) {
  try {
    const { pid, identity } = JSON.parse(readFileSync(file, 'utf8'));
    return identityOf(pid) === identity;
  } catch {
    return false;
  }
}

function acquire(own, file) {
  try {
    // A link, so that nobody reads a lock that is only half written.
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  // Two processes that find a dead holder at the same moment may both go on, see withLock.
  if (!isHeld(file)) rmSync(file, { force: true });
  return false;
}

/**
 * Calls `work` while this process holds the lock `file`. Waits for a holder that runs and takes over from a dead one. In rare
 * cases two processes that take over hold it at once: use it to save work, not to keep data right. `onWait` is called once
 * before a wait. Rejects when the signal aborts a wait.
 */
export async function withLock(file, work, { signal, onWait } = {}) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, identity: identityOf(process.pid) }));
  try {
    for (let waits = 0; !acquire(own, file); waits += 1) {
      if (waits === 1) onWait?.();
      if (waits > 0) await sleep(CHECK_MS, undefined, { signal });
    }
  } finally {
    rmSync(own, { force: true });
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
