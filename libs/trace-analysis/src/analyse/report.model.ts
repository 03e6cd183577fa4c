import { type WaitClass } from './critical.path.js';

export interface StageReport {
  readonly stage: string;
  /** Units of work: clips, overlays, plans. Each try counts. */
  readonly count: number;
  readonly workMs: number;
  /** Time in which at least one unit worked. */
  readonly busyMs: number;
  readonly queueWaitMs: number;
  /** Work on the critical path. */
  readonly onCriticalPathMs: number;
  /** Work over (slots × makespan), 0-1. */
  readonly utilization: number;
}

/** A segment of the critical path. The segments partition 0..makespan. */
export interface PathReport {
  readonly spanId: string;
  readonly service: string;
  readonly name: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly kind: 'work' | 'wait';
  readonly waitClass?: WaitClass;
}

/** Times in ms with microsecond precision. Σ ms over levels = makespan; Σ level·ms = work; lower bound ≤ makespan. */
export interface PerformanceReport {
  readonly traceId: string;
  readonly makespanMs: number;
  readonly workMs: number;
  /** Work over makespan, T1/Tp. */
  readonly speedup: number;
  readonly sequentialMs: number;
  /** Sequential duration of the work minus the makespan; at least 0. */
  readonly timeSavedMs: number;
  /** Average number of working units while at least one works. */
  readonly effectiveParallelism: number;
  /** Speed-up over the peak, 0-1. */
  readonly efficiency: number;
  readonly peakConcurrency: number;
  /** Slots of each stage: workers × concurrent messages per worker. Default: the peak concurrency. */
  readonly workers: Readonly<Record<string, number>>;
  readonly concurrency: readonly { readonly level: number; readonly ms: number }[];
  readonly stages: readonly StageReport[];
  readonly criticalPath: readonly PathReport[];
  readonly lowerBoundMs: number;
  /** Lower bound over makespan, 0-1. 1: the schedule is optimal. */
  readonly lowerBoundRatio: number;
  /** Makespan − lower bound, by cause. The parts add up exactly. */
  readonly gap: {
    readonly capacityMs: number;
    readonly dispatchMs: number;
    readonly dependencyMs: number;
    readonly externalMs: number;
    readonly retryMs: number;
  };
  readonly bottleneck: { readonly stage: string; readonly share: number; readonly advice: string };
  /** Changes by predicted makespan, shortest first. A prediction may exceed the makespan (Graham 1969). */
  readonly whatIf: readonly {
    readonly change: string;
    readonly predictedMakespanMs: number;
    readonly boundMs: number;
  }[];
  /** Deviation of the unchanged system's replay from the makespan, per cent. Positive: the replay took longer. */
  readonly calibrationErrorPct: number;
  /** The hosts of the trace's processes; empty when unknown. `cpuMs`: their total CPU time. */
  readonly hosts: readonly {
    readonly id: string;
    readonly cores: number;
    readonly cpuMs: number;
    /** CPU time over (cores × time in which at least one process computed), 0-1. */
    readonly utilization: number;
  }[];
  /** Problems of the trace, and how the reader handled them. */
  readonly warnings: readonly string[];
}
