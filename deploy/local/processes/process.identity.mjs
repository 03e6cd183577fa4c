// The identity of a process, which a later process with the same pid does not have. Plain Node, no dependencies.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const PS_MS = 10_000;

export function identityOf(pid) {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

/** The boot id, and the start in clock ticks since then: field 22 of `stat`. The name before it may contain spaces. */
function fromProc(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    if (state === 'Z' || state === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
}

function fromPs(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8', timeout: PS_MS });
  const [, state, started] = /^(\S+)\s+(.+)$/.exec(typeof stdout === 'string' ? stdout.trim() : '') ?? [];
  return state === undefined || state.startsWith('Z') ? undefined : started;
}
