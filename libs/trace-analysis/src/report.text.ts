import { type PerformanceReport } from './report.model.js';
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
/** The report as terminal tables, one line per stage and per level of concurrency. */
export function formatReport(report: PerformanceReport): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`.padStart(14);
  return [
    `Trace ${report.traceId}`,
    `makespan ${ms(report.makespanMs)}   one after another ${ms(report.sequentialMs)}`,
    `speed-up ${report.speedup.toFixed(2)}x, at most ${report.peakConcurrency} at once, efficiency ${(report.efficiency * 100).toFixed(0)} %`,
    '',
    `${'stage'.padEnd(10)}${'count'.padStart(6)}${'work'.padStart(14)}${'busy'.padStart(14)}${'queued'.padStart(14)}`,
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
