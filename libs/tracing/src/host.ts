import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, hostname } from 'node:os';

/** A machine, or a container with its own CPU limit. */
export interface Host {
  /** Equal for all processes that share the cores. Opaque. */
  readonly id: string;
  /** Cores that these processes can use together. May be a fraction for a container, such as 1.5. */
  readonly cores: number;
}
export interface HostFacts {
  /** Reads a file. Undefined: not readable. */
  readonly read: (path: string) => string | undefined;
  readonly hostname: string;
  /** Cores of the machine. */
  readonly machineCores: number;
  /** Cores that this process may run on. */
  readonly allowedCores: number;
}
interface Quota {
  readonly cores: number;
  /** The control group of the limit. */
  readonly group: string;
}

const CGROUP = '/sys/fs/cgroup';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** Folders of a control group and its parents, innermost first. */
function withParents(group: string): string[] {
  const names = group.split('/').filter((name) => name !== '' && name !== '..');
  return names.map((_, at) => `/${names.slice(0, names.length - at).join('/')}`).concat('');
}

function coresOf(quota: string | undefined, period: string | undefined): number | undefined {
  const [quotaUs, periodUs] = [Number(quota), Number(period)];
  // No limit: `max` in cgroup v2, -1 in cgroup v1.
  return quotaUs > 0 && periodUs > 0 ? quotaUs / periodUs : undefined;
}

function quotaOf(read: HostFacts['read']): Quota | undefined {
  let lowest: Quota | undefined;
  const consider = (cores: number | undefined, group: string): void => {
    if (cores !== undefined && (lowest === undefined || cores < lowest.cores)) lowest = { cores, group };
  };
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, number = '', controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    for (const group of withParents(path)) {
      if (number === '0' && controllers === '') {
        const [quota, period] = (read(`${CGROUP}${group}/cpu.max`) ?? '').trim().split(/\s+/);
        consider(coresOf(quota, period), group);
      } else if (controllers.split(',').includes('cpu')) {
        const folder = `${CGROUP}/cpu${group}`;
        consider(coresOf(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)), group);
      }
    }
  }
  return lowest;
}

/** The host: the machine, or the control group with a CPU limit below the cores of the machine. */
export function hostOf({ read, hostname: name, machineCores, allowedCores }: HostFacts): Host {
  const machine = (read(BOOT_ID) ?? '').trim() || name;
  const quota = quotaOf(read);
  const limited = quota !== undefined && quota.cores < machineCores ? quota : undefined;
  // Containers see their group as the root, so only the host name distinguishes them.
  const key = limited === undefined ? machine : [machine, name, limited.group].join('\n');
  const id = createHash('sha256').update(key).digest('hex').slice(0, 12);
  return { id, cores: limited?.cores ?? Math.max(1, allowedCores) };
}

let host: Host | undefined;

/** The host of this process. Cached. */
export function thisHost(): Host {
  return (host ??= hostOf({
    read: readIfPresent,
    hostname: hostname(),
    machineCores: cpus().length,
    allowedCores: availableParallelism(),
  }));
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Idle CPU time of the machine since boot, summed over its cores, ms. */
export const idleMs = (): number => cpus().reduce((sum, { times }) => sum + times.idle, 0);
