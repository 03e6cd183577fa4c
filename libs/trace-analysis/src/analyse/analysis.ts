import { ATTR } from '@clipmesh/tracing';
import { lowerBound } from './bounds.js';
import { adviceFor, rankStages } from './bottleneck.js';
import { criticalPath, type Segment } from './critical.path.js';
import { gapOf } from './gap.js';
import { hostUses } from './host.use.js';
import { concurrencyOf, peakOf, total, union } from '../model/interval.js';
import { type Model, modelOf } from '../model/model.js';
import { type PerformanceReport, type StageReport } from './report.model.js';
import { replay } from '../replay/replay.js';
import { numberOf } from '../model/span.index.js';
import { type Span, type Trace } from '../parse/trace.model.js';
import { type WhatIf, whatIfs } from './what.if.js';
import { type Unit } from '../model/work.js';

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
const ms = (us: number): number => Math.round(us) / 1000;

/**
 * The performance report of a trace. Work is self time. Speed-up is T1/Tp (work over makespan). Effective parallelism is the average
 * number of working units while at least one works. Efficiency is speed-up over peak concurrency. An empty trace reports zeros.
 */
export const analyze = (trace: Trace): PerformanceReport => examine(trace).report;

/** The report, with the model and the changes that it is based on. */
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
  // Clocks have a resolution of 1 ms: a shorter overlap must not raise the bound above the measured makespan.
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

/** The queue wait as measured by the inbox. Default: as derived from the graph. */
function queueWaitOf(span: Span, waits: ReadonlyMap<string, number>, repeats: ReadonlySet<string>): number {
  // For a redelivery, the measured wait starts at the first publish and includes earlier tries and pauses.
  const measuredMs = repeats.has(span.id) ? undefined : numberOf(span, ATTR.queueWaitMs);
  return measuredMs === undefined ? (waits.get(span.id) ?? 0) : measuredMs * 1000;
}

/** Slots for a stage's work: those of its own pool, else of the pools whose turns contain it; at least its peak. */
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
