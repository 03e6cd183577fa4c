import { expect } from '@jest/globals';
import { type PerformanceReport } from '../src/index.js';

const us = (ms: number): number => Math.round(ms * 1000);

/** What holds for every report, whatever the trace. */
export function expectInvariants(report: PerformanceReport): void {
  const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
  const makespan = us(report.makespanMs);
  expect(sum(report.concurrency.map(({ ms }) => us(ms)))).toBe(makespan);
  expect(sum(report.concurrency.map(({ level, ms }) => level * us(ms)))).toBe(us(report.workMs));
  expect(sum(report.stages.map(({ workMs }) => us(workMs)))).toBe(us(report.workMs));
  expect(us(report.lowerBoundMs)).toBeLessThanOrEqual(makespan);
  const parts = Object.values(report.gap).map(us);
  expect(Math.min(0, ...parts)).toBe(0);
  expect(sum(parts)).toBe(makespan - us(report.lowerBoundMs));
  let at = 0;
  for (const { startUs, endUs, kind, waitClass } of report.criticalPath) {
    expect(startUs).toBe(at);
    expect(endUs).toBeGreaterThan(startUs);
    expect(waitClass === undefined).toBe(kind === 'work');
    at = endUs;
  }
  expect(at).toBe(makespan);
  const onPath = report.criticalPath.filter(({ kind }) => kind === 'work').map((one) => one.endUs - one.startUs);
  expect(sum(report.stages.map(({ onCriticalPathMs }) => us(onCriticalPathMs)))).toBe(sum(onPath));
}
