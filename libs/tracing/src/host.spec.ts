import { describe, expect, it } from '@jest/globals';
import { type Host, hostOf, idleMs, thisHost } from './host.js';

const BOOT = '/proc/sys/kernel/random/boot_id';
const SELF = '/proc/self/cgroup';
type Files = Readonly<Record<string, string>>;
const of = (files: Files, hostname = 'h', machineCores = 8, allowedCores = machineCores): Host =>
  hostOf({ read: (path) => files[path], hostname, machineCores, allowedCores });
const v1 = (group: string, quota: string): Files => ({
  [BOOT]: 'boot\n',
  [SELF]: `4:memory:/m\n3:cpu,cpuacct:${group}\n`,
  [`/sys/fs/cgroup/cpu${group === '/' ? '' : group}/cpu.cfs_quota_us`]: `${quota}\n`,
  [`/sys/fs/cgroup/cpu${group === '/' ? '' : group}/cpu.cfs_period_us`]: '100000\n',
});
const v2 = (group: string, limits: Files): Files => ({
  [BOOT]: 'boot\n',
  [SELF]: `0::${group}\n`,
  ...Object.fromEntries(Object.entries(limits).map(([path, limit]) => [`/sys/fs/cgroup${path}/cpu.max`, limit])),
});

describe('host cores', () => {
  it.each<[string, Files, number]>([
    ['default to the machine without any file', {}, 8],
    ['default to the machine without a limit (cgroup v2)', v2('/a', { '/a': 'max 100000\n' }), 8],
    ['default to the machine without a limit (cgroup v1)', v1('/a', '-1'), 8],
    ['are the limit of the group (cgroup v2)', v2('/a', { '/a': '150000 100000\n' }), 1.5],
    ['are the limit of the group (cgroup v1)', v1('/a', '250000'), 2.5],
    ['are the limit at the root of a container (cgroup v2)', v2('/', { '': '200000 100000\n' }), 2],
    ['are the limit at the root of a container (cgroup v1)', v1('/', '200000'), 2],
    ['are the lowest limit of all parent groups', v2('/a/b', { '/a': '100000 100000', '/a/b': '400000 100000' }), 1],
    ['default to the machine if the limit is not lower', v2('/a', { '/a': '1600000 100000' }), 8],
    ['default to the machine if the limit is invalid', v2('/a', { '/a': 'nonsense' }), 8],
    ['default to the machine if the period is 0', v2('/a', { '/a': '100000 0' }), 8],
  ])('%s', (_name, files, cores) => {
    expect(of(files).cores).toBe(cores);
  });
  it('are the cores that the process may run on, at least one', () => {
    expect(of({}, 'h', 8, 3).cores).toBe(3);
    expect(of({}, 'h', 0, 0).cores).toBe(1);
  });
});

describe('host id', () => {
  const limited = v2('/', { '': '200000 100000' });
  it('is equal for containers that share a machine, and differs between machines', () => {
    expect(of({ [BOOT]: 'x' }, 'one').id).toBe(of({ [BOOT]: 'x' }, 'two').id);
    expect(of({ [BOOT]: 'x' }).id).not.toBe(of({ [BOOT]: 'y' }).id);
    expect(of({}, 'one').id).not.toBe(of({}, 'two').id);
  });
  it('is unique to a container with its own limit', () => {
    expect(of(limited, 'one').id).not.toBe(of(limited, 'two').id);
    expect(of(limited, 'one').id).toBe(of(limited, 'one').id);
    expect(of(v1('/a', '100000')).id).not.toBe(of(v1('/b', '100000')).id);
  });
  it('is the id of the machine if the limit is not lower', () => {
    expect(of(limited, 'one', 2).id).toBe(of({ [BOOT]: 'boot' }, 'two', 2).id);
  });
});

it('reports cores, id and monotonic idle time of this host', () => {
  const { id, cores } = thisHost();
  expect(id).toMatch(/^[0-9a-f]{12}$/);
  expect(cores).toBeGreaterThan(0);
  expect(thisHost()).toBe(thisHost());
  const before = idleMs();
  expect(idleMs()).toBeGreaterThanOrEqual(before);
});
