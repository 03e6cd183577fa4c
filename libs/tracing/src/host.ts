import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, hostname } from 'node:os';

/** What shares its cores among the processes on it: a machine, or a container with a CPU limit of its own. */
export interface Host {
  /** The same for all processes that share the cores. It says nothing else. */
  readonly id: string;
  /** Cores that these processes can use together. A container's limit can be a fraction: 1.5. */
  readonly cores: number;
}
export interface HostFacts {
  /** The text of a file; undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined;
  readonly hostname: string;
  /** Cores of the machine. */
  readonly machineCores: number;
  /** Cores that this process may run on. */
  readonly allowedCores: number;
}
interface Quota {
  readonly cores: number;
  /** The control group that has it. */
  readonly group: string;
}

const CGROUP = '/sys/fs/cgroup';
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** The folders of a control group and of all above it, the innermost first. */
function lineage(group: string): string[] {
  const names = group.split('/').filter((name) => name !== '' && name !== '..');
  return names.map((_, at) => `/${names.slice(0, names.length - at).join('/')}`).concat('');
}

function coresOf(quota: string | undefined, period: string | undefined): number | undefined {
  const [quotaUs, periodUs] = [Number(quota), Number(period)];
  // `max` in version 2 and -1 in version 1 mean no limit.
  return quotaUs > 0 && periodUs > 0 ? quotaUs / periodUs : undefined;
}

function quotaOf(read: HostFacts['read']): Quota | undefined {
  let least: Quota | undefined;
  const consider = (cores: number | undefined, group: string): void => {
    if (cores !== undefined && (least === undefined || cores < least.cores)) least = { cores, group };
  };
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, number = '', controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    for (const group of lineage(path)) {
      if (number === '0' && controllers === '') {
        const [quota, period] = (read(`${CGROUP}${group}/cpu.max`) ?? '').trim().split(/\s+/);
        consider(coresOf(quota, period), group);
      } else if (controllers.split(',').includes('cpu')) {
        const folder = `${CGROUP}/cpu${group}`;
        consider(coresOf(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`)), group);
      }
    }
  }
  return least;
}

/** The host by these facts: the machine, or the control group whose CPU limit is below the machine's cores. */
export function hostOf({ read, hostname: name, machineCores, allowedCores }: HostFacts): Host {
  const machine = (read(BOOT_ID) ?? '').trim() || name;
  const quota = quotaOf(read);
  const limited = quota !== undefined && quota.cores < machineCores ? quota : undefined;
  // A container sees its group as the root; its host name tells it from the others.
  const key = limited === undefined ? machine : [machine, name, limited.group].join('\n');
  const id = createHash('sha256').update(key).digest('hex').slice(0, 12);
  return { id, cores: limited?.cores ?? Math.max(1, allowedCores) };
}

let host: Host | undefined;

/** The host of this process. Read once. */
export function thisHost(): Host {
  return (host ??= hostOf({
    read: readOrNothing,
    hostname: hostname(),
    machineCores: cpus().length,
    allowedCores: availableParallelism(),
  }));
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** CPU time that the machine's cores have been idle since it started, summed over the cores, ms. */
export const idleMs = (): number => cpus().reduce((sum, { times }) => sum + times.idle, 0);
