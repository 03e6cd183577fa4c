import { ATTR } from '@clipmesh/tracing';
import { type Trace } from './trace.model.js';
import { concurrencyOf, total, union, type Work, workOf } from './work.js';

export interface StageReport {
  readonly stage: string;
  readonly count: number;
  readonly workMs: number;
  readonly busyMs: number;
  readonly queueWaitMs: number;
  /** Work over (peak workers × makespan), 0-1. */
  readonly utilization: number;
}
/** Times in ms with microsecond precision. Σ ms over levels = makespan; Σ level·ms = work. */
export interface PerformanceReport {
  readonly traceId: string;
  readonly makespanMs: number;
  readonly workMs: number;
  readonly sequentialMs: number;
  readonly speedup: number;
  readonly timeSavedMs: number;
  readonly effectiveParallelism: number;
  readonly efficiency: number;
  readonly peakConcurrency: number;
  readonly workers: Readonly<Record<string, number>>;
  readonly concurrency: readonly { readonly level: number; readonly ms: number }[];
  readonly stages: readonly StageReport[];
}
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/** Work is self time; speed-up is work over makespan (T1/Tp, Brent 1974); an empty trace reports zeros. */
export function analyze(trace: Trace): PerformanceReport {
  const works = workOf(trace);
  const makespanUs = trace.spans.reduce((max, { endUs }) => Math.max(max, endUs), 0);
  const workUs = works.reduce((sum, one) => sum + one.workUs, 0);
  const profile = concurrencyOf(
    works.flatMap(({ intervals }) => intervals),
    makespanUs,
  );
  const peakConcurrency = profile.at(-1)?.level ?? 0;
  const workers: Record<string, number> = {};
  const stages = [...groupByStage(works)].map(([stage, group]) => {
    const intervals = group.flatMap((one) => one.intervals);
    const stageUs = total(intervals);
    const peak = concurrencyOf(intervals, makespanUs).at(-1)?.level ?? 0;
    workers[stage] = peak;
    const queueWaitMs = group.reduce((sum, { span }) => sum + Number(span.attributes[ATTR.queueWaitMs] ?? 0), 0);
    return {
      stage,
      count: group.length,
      workMs: stageUs / 1000,
      busyMs: total(union(intervals)) / 1000,
      queueWaitMs,
      utilization: ratio(stageUs, peak * makespanUs),
    };
  });
  const speedup = ratio(workUs, makespanUs);
  return {
    traceId: trace.traceId,
    makespanMs: makespanUs / 1000,
    workMs: workUs / 1000,
    sequentialMs: workUs / 1000,
    speedup,
    timeSavedMs: (workUs - makespanUs) / 1000,
    effectiveParallelism: speedup,
    efficiency: ratio(speedup, peakConcurrency),
    peakConcurrency,
    workers,
    concurrency: profile.map(({ level, us }) => ({ level, ms: us / 1000 })),
    stages,
  };
}

/** The report as terminal tables, one line per stage and per level of concurrency. */
export function formatReport(report: PerformanceReport): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`.padStart(14);
  return [
    `Trace ${report.traceId}`,
    `makespan ${ms(report.makespanMs)}   one after another ${ms(report.sequentialMs)}`,
    `speed-up ${report.speedup.toFixed(2)}x, at most ${report.peakConcurrency} at once, efficiency ${(report.efficiency * 100).toFixed(0)} %`,
    '',
    `${'stage'.padEnd(10)}${'spans'.padStart(6)}${'work'.padStart(14)}${'busy'.padStart(14)}${'queued'.padStart(14)}`,
    ...report.stages.map(
      (one) =>
        `${one.stage.padEnd(10)}${String(one.count).padStart(6)}${ms(one.workMs)}${ms(one.busyMs)}${ms(one.queueWaitMs)}`,
    ),
    '',
    ...report.concurrency.map(
      ({ level, ms: spent }) =>
        `${String(level).padStart(3)} at once${ms(spent)} ${'#'.repeat(Math.round(40 * ratio(spent, report.makespanMs)))}`,
    ),
  ].join('\n');
}

function groupByStage(works: readonly Work[]): Map<string, Work[]> {
  const groups = new Map<string, Work[]>();
  for (const work of works) {
    const group = groups.get(work.stage);
    if (group === undefined) groups.set(work.stage, [work]);
    else group.push(work);
  }
  return groups;
}
