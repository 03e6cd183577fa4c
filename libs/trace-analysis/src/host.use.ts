import { total, union } from './interval.js';
import { type Model } from './model.js';

/** What the trace's processes used of the cores of a host. */
export interface HostUse {
  readonly id: string;
  readonly cores: number;
  /** Those that other programs left, on average while at least one computed. */
  readonly leftCores: number;
  readonly cpuUs: number;
  /** While at least one of them computed, us. */
  readonly busyUs: number;
  /** CPU time over what the cores could give while at least one computed, 0-1. */
  readonly utilization: number;
}

/** The hosts that the trace names, in the order in which they appear. */
export function hostUses({ tasks, hosts }: Pick<Model, 'tasks' | 'hosts'>): HostUse[] {
  const used = new Map<string, { cpu: number; intervals: [number, number][] }>();
  for (const { pieces } of tasks) {
    for (const { startUs, endUs, cpu } of pieces) {
      if (cpu === undefined) continue;
      const own = used.get(cpu.host) ?? { cpu: 0, intervals: [] };
      own.cpu += cpu.milliCores * cpu.freeUs;
      own.intervals.push([startUs, endUs]);
      used.set(cpu.host, own);
    }
  }
  return [...hosts.values()].map(({ id, milliCores, leftMilliCores }) => {
    const { cpu, intervals } = used.get(id) ?? { cpu: 0, intervals: [] };
    const busyUs = total(union(intervals));
    const utilization = busyUs === 0 ? 0 : Math.min(1, cpu / (milliCores * busyUs));
    return {
      id,
      cores: milliCores / 1000,
      leftCores: leftMilliCores / 1000,
      cpuUs: Math.round(cpu / 1000),
      busyUs,
      utilization,
    };
  });
}
