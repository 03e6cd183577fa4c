import { examine } from '../analyse/analysis.js';
import { savingOf, MIN_SAVING } from '../analyse/bottleneck.js';
import { duration, percent, table } from './text.table.js';
import { type Trace } from '../parse/trace.model.js';

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}
export interface AggregateReport {
  readonly traces: number;
  readonly makespanMs: Percentiles;
  readonly speedup: Percentiles;
  readonly stages: readonly {
    readonly stage: string;
    /** Work of one unit. */
    readonly unitMs: Percentiles;
    /** Work of the stage in one trace. */
    readonly workMs: Percentiles;
    readonly queueWaitMs: Percentiles;
    readonly onCriticalPathMs: Percentiles;
    /** In how many traces it was the bottleneck. */
    readonly bottleneckIn: number;
  }[];
  /** Added workers that shorten at least one trace by 5 % or more, by mean saving. */
  readonly workers: readonly {
    readonly stage: string;
    readonly added: number;
    readonly paysIn: number;
    /** Mean over all traces, including those without a saving. */
    readonly meanSavingPct: number;
  }[];
  /** Problems of the traces, each with the trace's id. */
  readonly warnings: readonly string[];
}
/** Percentiles by nearest rank. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: rank(0.5), p95: rank(0.95) };
}

/** Aggregates the reports of many traces. Keeps only the figures of each trace in memory. */
export function aggregate(traces: Iterable<Trace>): AggregateReport {
  const warnings: string[] = [];
  const makespans: number[] = [];
  const speedups: number[] = [];
  const stages = new Map<
    string,
    { units: number[]; work: number[]; queued: number[]; onPath: number[]; worst: number }
  >();
  const added = new Map<string, { stage: string; added: number; paysIn: number; saving: number }>();
  for (const trace of traces) {
    const { report, model, changes, replayedUs } = examine(trace);
    warnings.push(...report.warnings.map((warning) => `${report.traceId}: ${warning}`));
    makespans.push(report.makespanMs);
    speedups.push(report.speedup);
    for (const one of report.stages) {
      const figures = stages.get(one.stage) ?? { units: [], work: [], queued: [], onPath: [], worst: 0 };
      figures.work.push(one.workMs);
      figures.queued.push(one.queueWaitMs);
      figures.onPath.push(one.onCriticalPathMs);
      if (report.bottleneck.stage === one.stage) figures.worst += 1;
      stages.set(one.stage, figures);
    }
    for (const { stage, workUs } of model.units) stages.get(stage)?.units.push(workUs / 1000);
    for (const change of changes) {
      if (change.added === undefined || change.scenario.cores !== undefined) continue;
      const key = `${change.stage} ${change.added}`;
      const saving = savingOf(change, model.index.makespanUs, replayedUs);
      const sum = added.get(key) ?? { stage: change.stage, added: change.added, paysIn: 0, saving: 0 };
      added.set(key, { ...sum, paysIn: sum.paysIn + (saving >= MIN_SAVING ? 1 : 0), saving: sum.saving + saving });
    }
  }
  return {
    traces: makespans.length,
    makespanMs: percentiles(makespans),
    speedup: percentiles(speedups),
    stages: [...stages].map(([stage, { units, work, queued, onPath, worst }]) => ({
      stage,
      unitMs: percentiles(units),
      workMs: percentiles(work),
      queueWaitMs: percentiles(queued),
      onCriticalPathMs: percentiles(onPath),
      bottleneckIn: worst,
    })),
    workers: [...added.values()]
      .filter(({ paysIn }) => paysIn > 0)
      .map(({ saving, ...one }) => ({ ...one, meanSavingPct: Math.round((saving / makespans.length) * 1000) / 10 }))
      .sort((a, b) => b.meanSavingPct - a.meanSavingPct || a.added - b.added),
    warnings,
  };
}

export function formatAggregate(report: AggregateReport): string {
  const both = ({ p50, p95 }: Percentiles): string => `${duration(p50)} / ${duration(p95)}`;
  const share = (count: number): string => (report.traces === 0 ? '0 %' : percent(count / report.traces));
  return [
    ...report.warnings.map((warning) => `Warning: ${warning}`),
    `${report.traces} traces; p50 / p95: makespan ${both(report.makespanMs)}, speed-up ${report.speedup.p50.toFixed(2)}x / ${report.speedup.p95.toFixed(2)}x`,
    '',
    ...table([
      ['stage', 'one unit', 'work', 'queued', 'on path', 'bottleneck in'],
      ...report.stages.map((one) => [
        one.stage,
        both(one.unitMs),
        both(one.workMs),
        both(one.queueWaitMs),
        both(one.onCriticalPathMs),
        share(one.bottleneckIn),
      ]),
    ]),
    '',
    ...(report.workers.length === 0
      ? [`More workers would not shorten any of these by ${percent(MIN_SAVING)} or more.`]
      : table([
          ['added workers', 'helps in', 'mean saving'],
          ...report.workers.map((one) => [
            `${one.added} more in ${one.stage}`,
            share(one.paysIn),
            `${one.meanSavingPct.toFixed(1)} %`,
          ]),
        ])),
  ].join('\n');
}
