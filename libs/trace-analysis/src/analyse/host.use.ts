import { total, union } from '../model/interval.js';
import { type Model } from '../model/model.js';

/** The use of a host's cores by the trace's processes. */
export interface HostUse {
  readonly id: string;
  readonly cores: number;
  /** Average cores that other programs left while at least one process computed. */
  readonly leftCores: number;
  readonly cpuUs: number;
  /** Time in which at least one process computed, us. */
  readonly busyUs: number;
  /** CPU time over (cores × busy time), 0-1. */
  readonly utilization: number;
}

/** The hosts of the trace, in the order of appearance. */
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
