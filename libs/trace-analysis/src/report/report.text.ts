import { drawRow, type StageRow } from './gantt.js';
import { type PathReport, type PerformanceReport } from '../analyse/report.model.js';
import { duration, percent, table } from './text.table.js';

const CELLS = 60;
const MAX_STEPS = 24;

/**
 * Formats the report as tables, a Gantt chart and the advice. The chart shows the stages of `rows`. Default: the critical path, one row
 * per service.
 */
export function formatReport(report: PerformanceReport, rows?: readonly StageRow[]): string {
  const { gap } = report;
  return [
    `Trace ${report.traceId}`,
    ...report.warnings.map((warning) => `Warning: ${warning}`),
    '',
    ...table([
      ['makespan', duration(report.makespanMs)],
      ['one after another', duration(report.sequentialMs)],
      ['time saved', duration(report.timeSavedMs)],
      ['lower bound', `${duration(report.lowerBoundMs)} (${percent(report.lowerBoundRatio)} of the makespan)`],
    ]),
    '',
    `speed-up ${report.speedup.toFixed(2)}x, ${report.effectiveParallelism.toFixed(2)} at work on average, at most ${report.peakConcurrency} at once, efficiency ${percent(report.efficiency)}${serialFraction(report)}`,
    '',
    ...table([
      ['stage', 'count', 'workers', 'work', 'busy', 'queued', 'on path', 'in use'],
      ...report.stages.map((one) => [
        one.stage,
        String(one.count),
        String(report.workers[one.stage] ?? ''),
        duration(one.workMs),
        duration(one.busyMs),
        duration(one.queueWaitMs),
        duration(one.onCriticalPathMs),
        percent(one.utilization),
      ]),
    ]),
    '',
    ...hostLines(report),
    ...chart(report, rows),
    '',
    ...table([
      ...report.concurrency.map(({ level, ms }) => [`${level} at once`, duration(ms), bar(ms, report.makespanMs)]),
    ]).map((line) => line.trimEnd()),
    '',
    'Critical path',
    ...table(steps(report).map((one) => [`  ${one.what}`, duration(one.ms), bar(one.ms, report.makespanMs)])),
    '',
    `Above the lower bound: ${duration(report.makespanMs - report.lowerBoundMs)}`,
    ...table([
      ['  capacity', duration(gap.capacityMs)],
      ['  dispatch', duration(gap.dispatchMs)],
      ['  dependency', duration(gap.dependencyMs)],
      ['  external', duration(gap.externalMs)],
      ['  retry', duration(gap.retryMs)],
    ]),
    '',
    ...(report.whatIf.length === 0
      ? []
      : [
          ...table([
            ['what if', 'predicted', 'change', 'bound'],
            ...report.whatIf.map((one) => [
              one.change,
              duration(one.predictedMakespanMs),
              `${change(one.predictedMakespanMs, report.makespanMs)} %`,
              duration(one.boundMs),
            ]),
          ]),
          `(the replay of the unchanged system is ${Math.abs(report.calibrationErrorPct).toFixed(1)} % off)`,
          '',
        ]),
    report.bottleneck.stage === ''
      ? report.bottleneck.advice
      : `Bottleneck: ${report.bottleneck.stage} (${percent(report.bottleneck.share)} of the critical path). ${report.bottleneck.advice}`,
  ].join('\n');
}

function hostLines({ hosts }: PerformanceReport): string[] {
  if (hosts.length === 0) return [];
  return [
    ...table([
      ['host', 'cores', 'CPU time', 'in use'],
      ...hosts.map(({ id, cores, cpuMs, utilization }) => [id, String(cores), duration(cpuMs), percent(utilization)]),
    ]),
    '',
  ];
}

const bar = (ms: number, wholeMs: number): string =>
  '█'.repeat(wholeMs === 0 ? 0 : Math.round((30 * ms) / wholeMs)).padEnd(30);

function change(predictedMs: number, makespanMs: number): string {
  const part = makespanMs === 0 ? 0 : Math.round((predictedMs / makespanMs - 1) * 100);
  return part > 0 ? `+${part}` : String(part);
}

/** The experimentally determined serial fraction (Karp and Flatt 1990). */
function serialFraction({ speedup, peakConcurrency: workers }: PerformanceReport): string {
  if (workers < 2 || speedup <= 0) return '';
  const serial = (1 / speedup - 1 / workers) / (1 - 1 / workers);
  return `, serial fraction ${percent(Math.max(0, serial))}`;
}

function chart(report: PerformanceReport, rows: readonly StageRow[] | undefined): string[] {
  const shown = rows ?? pathRows(report.criticalPath);
  const width = shown.reduce((most, { stage }) => Math.max(most, stage.length), 0);
  const makespanUs = report.makespanMs * 1000;
  return [
    ...shown.map((row) => `${row.stage.padEnd(width)} |${drawRow(row, makespanUs, CELLS)}|`),
    `${' '.repeat(width)}  0${duration(report.makespanMs).padStart(CELLS - 1)}`,
    `${' '.repeat(width)}  ${rows === undefined ? '█ work  ░ wait (on the critical path)' : '█ work  ░ wait for a worker  ▓ both'}`,
  ];
}

function pathRows(path: readonly PathReport[]): StageRow[] {
  const rows = new Map<string, { work: [number, number][]; wait: [number, number][] }>();
  for (const { service, kind, startUs, endUs } of path) {
    const row = rows.get(service) ?? { work: [], wait: [] };
    row[kind].push([startUs, endUs]);
    rows.set(service, row);
  }
  return [...rows].map(([stage, row]) => ({ stage, ...row }));
}

/** The path with adjacent steps of one kind merged. Of a long path only the longest steps, in order. */
function steps({ criticalPath }: PerformanceReport): { what: string; ms: number }[] {
  const merged: { what: string; ms: number }[] = [];
  for (const { service, kind, waitClass, startUs, endUs } of criticalPath) {
    const what = `${service} ${kind === 'work' ? 'work' : `wait: ${(waitClass ?? 'dispatch').replace('_', ' ')}`}`;
    const last = merged.at(-1);
    if (last?.what === what) last.ms += (endUs - startUs) / 1000;
    else merged.push({ what, ms: (endUs - startUs) / 1000 });
  }
  if (merged.length <= MAX_STEPS) return merged;
  const limit = [...merged].sort((a, b) => b.ms - a.ms)[MAX_STEPS - 1]?.ms ?? 0;
  const kept = merged.filter(({ ms }) => ms >= limit).slice(0, MAX_STEPS);
  const rest = merged.reduce((sum, { ms }) => sum + ms, 0) - kept.reduce((sum, { ms }) => sum + ms, 0);
  return [...kept, { what: `${merged.length - kept.length} shorter steps`, ms: rest }];
}
