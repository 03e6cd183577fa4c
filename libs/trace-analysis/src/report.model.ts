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

/** A stretch of the critical path; together they partition 0..makespan. */
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
  /** How much longer its work one after another would have taken; 0 where it waited longer than that saved. */
  readonly timeSavedMs: number;
  /** Average number at work while at least one was. */
  readonly effectiveParallelism: number;
  /** Speed-up over the peak, 0-1. */
  readonly efficiency: number;
  readonly peakConcurrency: number;
  /** Slots of each stage: workers × what each handles at once; the peak where the spans do not say. */
  readonly workers: Readonly<Record<string, number>>;
  readonly concurrency: readonly { readonly level: number; readonly ms: number }[];
  readonly stages: readonly StageReport[];
  readonly criticalPath: readonly PathReport[];
  readonly lowerBoundMs: number;
  /** Lower bound over makespan, 0-1: 1 cannot be beaten. */
  readonly lowerBoundRatio: number;
  /** Makespan − lower bound, by cause; sums to it exactly. */
  readonly gap: {
    readonly capacityMs: number;
    readonly dispatchMs: number;
    readonly dependencyMs: number;
    readonly externalMs: number;
    readonly retryMs: number;
  };
  readonly bottleneck: { readonly stage: string; readonly share: number; readonly advice: string };
  /** The shortest first. A prediction can exceed the makespan: a greedy schedule may get longer (Graham 1969). */
  readonly whatIf: readonly {
    readonly change: string;
    readonly predictedMakespanMs: number;
    readonly boundMs: number;
  }[];
  /** The replay of the unchanged system against what was measured, per cent; positive when it took longer. */
  readonly calibrationErrorPct: number;
  /** Whose cores the processes of the trace shared; empty where no span says. `cpuMs` is what they used together. */
  readonly hosts: readonly {
    readonly id: string;
    readonly cores: number;
    readonly cpuMs: number;
    /** CPU time over what the cores could give while at least one computed, 0-1. */
    readonly utilization: number;
  }[];
  /** What was wrong with the trace, and how it was read; empty where nothing was. */
  readonly warnings: readonly string[];
}
