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

describe('the cores of a host', () => {
  it.each<[string, Files, number]>([
    ['are those of the machine without any file', {}, 8],
    ['are those of the machine without a limit (version 2)', v2('/a', { '/a': 'max 100000\n' }), 8],
    ['are those of the machine without a limit (version 1)', v1('/a', '-1'), 8],
    ['are the limit of the group (version 2)', v2('/a', { '/a': '150000 100000\n' }), 1.5],
    ['are the limit of the group (version 1)', v1('/a', '250000'), 2.5],
    ['are the limit that a container sees at its root (version 2)', v2('/', { '': '200000 100000\n' }), 2],
    ['are the limit that a container sees at its root (version 1)', v1('/', '200000'), 2],
    ['are the least limit on the way up', v2('/a/b', { '/a': '100000 100000', '/a/b': '400000 100000' }), 1],
    ['are those of the machine where the limit is no smaller', v2('/a', { '/a': '1600000 100000' }), 8],
    ['are those of the machine where the limit is unreadable', v2('/a', { '/a': 'nonsense' }), 8],
    ['are those of the machine where the period is 0', v2('/a', { '/a': '100000 0' }), 8],
  ])('%s', (_name, files, cores) => {
    expect(of(files).cores).toBe(cores);
  });
  it('are those that the process may run on, at least one', () => {
    expect(of({}, 'h', 8, 3).cores).toBe(3);
    expect(of({}, 'h', 0, 0).cores).toBe(1);
  });
});

describe('the identity of a host', () => {
  const limited = v2('/', { '': '200000 100000' });
  it('is the same for containers that share the machine, and differs between machines', () => {
    expect(of({ [BOOT]: 'x' }, 'one').id).toBe(of({ [BOOT]: 'x' }, 'two').id);
    expect(of({ [BOOT]: 'x' }).id).not.toBe(of({ [BOOT]: 'y' }).id);
    expect(of({}, 'one').id).not.toBe(of({}, 'two').id);
  });
  it('is its own where a container has a limit of its own', () => {
    expect(of(limited, 'one').id).not.toBe(of(limited, 'two').id);
    expect(of(limited, 'one').id).toBe(of(limited, 'one').id);
    expect(of(v1('/a', '100000')).id).not.toBe(of(v1('/b', '100000')).id);
  });
  it('is that of the machine where the limit is no smaller than the machine', () => {
    expect(of(limited, 'one', 2).id).toBe(of({ [BOOT]: 'boot' }, 'two', 2).id);
  });
});

it('this host has cores, an identity, and idle time that only grows', () => {
  const { id, cores } = thisHost();
  expect(id).toMatch(/^[0-9a-f]{12}$/);
  expect(cores).toBeGreaterThan(0);
  expect(thisHost()).toBe(thisHost());
  const before = idleMs();
  expect(idleMs()).toBeGreaterThanOrEqual(before);
});
