import { ATTR } from '@clipmesh/tracing';
import { lowerBound } from './bounds.js';
import { adviceFor, rankStages } from './bottleneck.js';
import { criticalPath, type Segment } from './critical.path.js';
import { gapOf } from './gap.js';
import { hostUses } from './host.use.js';
import { concurrencyOf, peakOf, total, union } from './interval.js';
import { type Model, modelOf } from './model.js';
import { type PerformanceReport, type StageReport } from './report.model.js';
import { replay } from './replay.js';
import { numberOf } from './span.index.js';
import { type Span, type Trace } from './trace.model.js';
import { type WhatIf, whatIfs } from './what-if.js';
import { type Unit } from './work.js';

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
const ms = (us: number): number => Math.round(us) / 1000;

/**
 * The performance report of a trace. Work is self time, speed-up is T1/Tp (work over makespan), effective parallelism is
 * the average of how many worked while at least one did, efficiency is speed-up over the peak. An empty trace reports
 * zeros.
 */
export const analyze = (trace: Trace): PerformanceReport => examine(trace).report;

/** The report with what it was made from. */
export function examine(trace: Trace): {
  report: PerformanceReport;
  model: Model;
  changes: readonly WhatIf[];
  /** The replay of the unchanged system, us. */
  replayedUs: number;
} {
  const model = modelOf(trace);
  const { index, units, tasks, starts } = model;
  const { makespanUs } = index;
  const workUs = units.reduce((sum, unit) => sum + unit.workUs, 0);
  const profile = concurrencyOf(
    units.flatMap(({ intervals }) => intervals),
    makespanUs,
  );
  const peakConcurrency = profile.at(-1)?.level ?? 0;
  const idleUs = profile.find(({ level }) => level === 0)?.us ?? 0;
  const speedup = ratio(workUs, makespanUs);
  const path = criticalPath(index, tasks, starts);
  const rawBound = lowerBound(model);
  // Clocks step in whole milliseconds: an overlap below that must not lift the bound above what was measured.
  const bound = { ...rawBound, us: Math.min(rawBound.us, makespanUs) };
  const gap = gapOf(model, criticalPath(index, tasks, starts, true), bound);
  const stages = stageReports(model, path);
  const ranking = rankStages(path, makespanUs);
  const order = [...new Set([...ranking.map(({ stage }) => stage), ...stages.map(({ stage }) => stage)])];
  const changes = whatIfs(model, order);
  const worst = ranking[0];
  const replayedUs = replay(model).makespanUs;
  const report: PerformanceReport = {
    traceId: trace.traceId,
    makespanMs: ms(makespanUs),
    workMs: ms(workUs),
    speedup,
    sequentialMs: ms(workUs),
    timeSavedMs: ms(Math.max(0, workUs - makespanUs)),
    effectiveParallelism: ratio(workUs, makespanUs - idleUs),
    efficiency: ratio(speedup, peakConcurrency),
    peakConcurrency,
    workers: Object.fromEntries(stages.map(({ stage }) => [stage, slotsOf(model, stage)])),
    concurrency: profile.map(({ level, us }) => ({ level, ms: ms(us) })),
    stages,
    criticalPath: path.map(({ span, startUs, endUs, kind, waitClass }) => ({
      spanId: span.id,
      service: span.service,
      name: span.name,
      startUs,
      endUs,
      kind,
      ...(waitClass === undefined ? {} : { waitClass }),
    })),
    lowerBoundMs: ms(bound.us),
    lowerBoundRatio: makespanUs === 0 ? 1 : ratio(bound.us, makespanUs),
    gap: {
      capacityMs: ms(gap.capacity),
      dispatchMs: ms(gap.dispatch),
      dependencyMs: ms(gap.dependency),
      externalMs: ms(gap.external),
      retryMs: ms(gap.retry),
    },
    bottleneck:
      worst === undefined
        ? { stage: '', share: 0, advice: 'No span of this trace belongs to a stage.' }
        : { stage: worst.stage, share: worst.share, advice: adviceFor(model, worst, changes, replayedUs) },
    whatIf: changes.map(({ change, predictedUs, boundUs }) => ({
      change,
      predictedMakespanMs: ms(predictedUs),
      boundMs: ms(boundUs),
    })),
    calibrationErrorPct: Math.round(ratio(replayedUs - makespanUs, makespanUs) * 100_000) / 1000,
    hosts: hostUses(model).map(({ id, cores, cpuUs, utilization }) => ({ id, cores, cpuMs: ms(cpuUs), utilization })),
    warnings: trace.warnings ?? [],
  };
  return { report, model, changes, replayedUs };
}

function stageReports(model: Model, path: readonly Segment[]): StageReport[] {
  const { makespanUs } = model.index;
  const groups = new Map<string, Unit[]>();
  for (const unit of model.units) {
    const group = groups.get(unit.stage);
    if (group === undefined) groups.set(unit.stage, [unit]);
    else group.push(unit);
  }
  const onPath = new Map<string, number>();
  for (const { stage, startUs, endUs, kind } of path) {
    if (kind === 'work' && stage !== undefined) onPath.set(stage, (onPath.get(stage) ?? 0) + endUs - startUs);
  }
  const waits = new Map(
    model.tasks.map(({ span }, at) => {
      const { readyUs, slotUs } = model.starts[at] ?? { readyUs: 0, slotUs: 0 };
      return [span.id, slotUs - readyUs];
    }),
  );
  const repeats = new Set(
    model.tasks.flatMap(({ span, edges }) => (edges.some(({ kind }) => kind === 'retry') ? [span.id] : [])),
  );
  return [...groups].map(([stage, units]) => {
    const intervals = units.flatMap((unit) => unit.intervals);
    const workUs = total(intervals);
    return {
      stage,
      count: units.length,
      workMs: ms(workUs),
      busyMs: ms(total(union(intervals))),
      queueWaitMs: ms(units.reduce((sum, { span }) => sum + queueWaitOf(span, waits, repeats), 0)),
      onCriticalPathMs: ms(onPath.get(stage) ?? 0),
      utilization: ratio(workUs, slotsOf(model, stage) * makespanUs),
    };
  });
}

/** As the inbox measured it; where it did not, as the graph shows it. */
function queueWaitOf(span: Span, waits: ReadonlyMap<string, number>, repeats: ReadonlySet<string>): number {
  // A repeated delivery is measured from the first publish, tries and pauses included.
  const measuredMs = repeats.has(span.id) ? undefined : numberOf(span, ATTR.queueWaitMs);
  return measuredMs === undefined ? (waits.get(span.id) ?? 0) : measuredMs * 1000;
}

/** Slots that can do a stage's work: its own pool's, or its hosts' where it is done inside other turns, at least its peak. */
function slotsOf(model: Model, stage: string): number {
  const own = model.pools.get(stage)?.slots ?? 0;
  const units = model.units.filter((unit) => unit.stage === stage);
  const peak = peakOf(
    units.flatMap(({ intervals }) => intervals),
    model.index.makespanUs,
  );
  if (own > 0) return Math.max(own, peak);
  const hosts = new Set<string>();
  for (const { span } of units) {
    for (let at: Span | undefined = span; at !== undefined; at = model.index.parentOf(at)) {
      const pool = model.index.stageOf(at);
      if (pool !== undefined && pool !== stage && model.pools.has(pool)) {
        hosts.add(pool);
        break;
      }
      if (at.kind === 'consumer') break;
    }
  }
  const slots = [...hosts].reduce((sum, pool) => sum + (model.pools.get(pool)?.slots ?? 0), 0);
  return Math.max(slots, peak, 1);
}
