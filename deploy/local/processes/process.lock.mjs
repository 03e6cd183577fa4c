// A lock among processes that a dead holder does not keep. Plain Node, no dependencies.
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf } from './process.identity.mjs';

/** Pause between two looks at a lock of another process: its end raises no event, ms. */
const CHECK_MS = 250;

/** Whether the process that wrote the lock still runs. */
function isHeld(file) {
  try {
    const { pid, identity } = JSON.parse(readFileSync(file, 'utf8'));
    return identity !== undefined && identityOf(pid) === identity;
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
  if (!isHeld(file)) rmSync(file, { force: true });
  return false;
}

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
