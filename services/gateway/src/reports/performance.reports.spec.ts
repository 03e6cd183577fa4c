import { describe, expect, it } from '@jest/globals';
import { withOutcome, PerformanceReports, type ReportLimits, type StoredTrace } from './performance.reports.js';

/** Reports with a fake clock; counts collected and analyzed traces. */
function setUp(trace: Partial<StoredTrace> = {}, given: Partial<ReportLimits> = {}) {
  const calls = { collected: 0, analyzed: 0, concurrent: 0, maxConcurrent: 0 };
  const state = { nowMs: 1_000_000, complete: true, fails: false, ...trace };
  const reports = new PerformanceReports({
    collect: () => {
      calls.collected += 1;
      if (state.fails) return Promise.reject(new Error('the broker is unavailable'));
      return Promise.resolve({ resourceSpans: [], complete: state.complete });
    },
    analyze: async () => {
      calls.analyzed += 1;
      calls.concurrent += 1;
      calls.maxConcurrent = Math.max(calls.maxConcurrent, calls.concurrent);
      await Promise.resolve();
      calls.concurrent -= 1;
      return { report: calls.analyzed };
    },
    now: () => state.nowMs,
    limits: { kept: 200, settleMs: 60_000, refreshMs: 10_000, ...given },
  });
  return { calls, state, reports };
}

describe('performance reports', () => {
  it('are computed once for concurrent and later requests', async () => {
    const { calls, reports, state } = setUp();
    const all = await Promise.all(Array.from({ length: 10 }, () => reports.of('a', state.nowMs)));
    expect(new Set(all).size).toBe(1);
    state.nowMs += 1e9;
    await reports.of('a', 1_000_000);
    expect(calls).toMatchObject({ collected: 1, analyzed: 1 });
  });

  it('of an incomplete trace are recomputed while spans may arrive, then cached', async () => {
    const { calls, reports, state } = setUp({ complete: false });
    const ended = state.nowMs;
    await reports.of('a', ended);
    await reports.of('a', ended);
    expect(calls.analyzed).toBe(1);
    state.nowMs += 61_000;
    for (let n = 0; n < 5; n += 1, state.nowMs += 1e6) await reports.of('a', ended);
    expect(calls.analyzed).toBe(2);
  });

  it('are computed by the next request after an error', async () => {
    const { calls, reports, state } = setUp();
    state.fails = true;
    await expect(reports.of('a', 0)).rejects.toThrow('the broker is unavailable');
    state.fails = false;
    expect(await reports.of('a', 0)).toEqual({ report: 1 });
    expect(calls.collected).toBe(2);
  });

  it('are computed one at a time, and the latest 200 are kept', async () => {
    const { calls, reports } = setUp();
    await Promise.all(Array.from({ length: 250 }, (_, n) => reports.of(String(n), 0)));
    expect(calls).toMatchObject({ analyzed: 250, maxConcurrent: 1 });
    await reports.of('249', 0);
    expect(calls.analyzed).toBe(250);
    await reports.of('0', 0);
    expect(calls.analyzed).toBe(251);
  });

  it('follow the configured limits', async () => {
    const { calls, reports, state } = setUp({ complete: false }, { kept: 1, settleMs: 5000, refreshMs: 1000 });
    const ended = state.nowMs;
    for (const [laterMs, analyzed] of [
      [0, 1],
      [999, 1],
      [1000, 2],
      [5001, 3],
      [1e9, 3],
    ] as const) {
      state.nowMs = ended + laterMs;
      await reports.of('a', ended);
      expect([laterMs, calls.analyzed]).toEqual([laterMs, analyzed]);
    }
    await reports.of('b', ended);
    await reports.of('a', ended);
    expect(calls.analyzed).toBe(5);
  });
});

it.each([
  ['canceled', -500, 0, 'was canceled'],
  ['failed', -500, 0, 'failed'],
  ['failed', 300, 300, 'failed'],
  ['succeeded', -20, -20, 'Waiting took longer'],
] as const)('the report of a generation that %s with %i ms saved contains %i', (status, saved, shown, words) => {
  const report = withOutcome({ makespanMs: 1, timeSavedMs: saved }, status);
  expect(report).toMatchObject({ timeSavedMs: shown, outcome: status, notes: [expect.stringContaining(words)] });
});
