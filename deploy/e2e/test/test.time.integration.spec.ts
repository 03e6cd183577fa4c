import { describe, expect, it } from '@jest/globals';
import { Linter } from 'eslint';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node, as eslint.config.mjs reads it, so not a package
import { testTime } from '../../lint/test.time.rules.mjs';

const rulesBroken = (code: string): (string | null)[] =>
  new Linter()
    .verify(code, [
      {
        plugins: { time: testTime },
        rules: { 'time/no-elapsed-time': 'error', 'time/hang-deadline': 'error' },
        languageOptions: { ecmaVersion: 'latest', sourceType: 'module' },
      },
    ])
    .map(({ ruleId }) => ruleId);

describe('an assertion on elapsed time is refused', () => {
  it.each([
    'const from = performance.now(); run(); expect(performance.now() - from).toBeLessThan(300);',
    'const from = Date.now(); await run(); const elapsedMs = Date.now() - from; expect(elapsedMs).toBeLessThan(300);',
    'const before = process.cpuUsage(); run(); expect(process.cpuUsage(before).user / 1000).toBeLessThan(1500);',
    'const { user } = process.cpuUsage(before); expect(user).toBeLessThan(3);',
    'const times = []; on(() => { times.push(performance.now()); }); expect((times[1] ?? 0) - times[0]).toBeGreaterThan(5);',
    'const from = Date.now(); const ms = Date.now() - from; expect(calls).toBeLessThanOrEqual(50 + Math.ceil(ms / 20));',
    "expect(Date.now() - Date.parse(state.startedAt ?? '')).toBeLessThan(4000);",
    'async function timed(f) { const from = process.hrtime.bigint(); await f(); return Number(process.hrtime.bigint() - from); } expect(await timed(run)).toBeLessThan(5);',
    'const elapsed = () => Date.now() - from; expect(elapsed()).toBeLessThan(5);',
    'const from = Date.now(); run(); expect(Date.now()).toBeLessThan(from + 1000);',
    'const from = Date.now(); run(); const late = Date.now() > from + 1000; expect(late).toBe(false);',
    'let took = 0; const from = performance.now(); took = performance.now() - from; expect({ took }).toMatchObject({ took: 1 });',
    'const from = performance.now(); run(); assert.ok(performance.now() - from < 10);',
    'const from = performance.now(); await expect(Promise.resolve(performance.now() - from)).resolves.toBeLessThan(4);',
  ])('%s', (code) => {
    expect(rulesBroken(code)).toEqual(['time/no-elapsed-time']);
  });
});

describe('a short deadline is refused', () => {
  it.each([
    "it('x', () => undefined, 5000);",
    'beforeAll(async () => undefined, 30_000);',
    "it.each([1])('x', () => undefined, 15_000);",
    "await until(() => true, 5000, 'x');",
    "await eventually('x', 20_000, look);",
    'jest.setTimeout(10_000);',
  ])('%s', (code) => {
    expect(rulesBroken(code)).toEqual(['time/hang-deadline']);
  });
});

describe('figures of traces, injected clocks and dates are not elapsed time', () => {
  it.each([
    'expect(report.makespanMs).toBeLessThan(1500);',
    'const elapsedMs = analyze(trace).workMs; expect(elapsedMs).toBeLessThan(4000);',
    'expect(span.endUs - span.startUs).toBe(5);',
    'const now = () => clock; expect(now() - last).toBeGreaterThan(1);',
    'expect(await store.removeOld(artifact, Date.now() - 60_000)).toBe(false);',
    'const since = Date.now() - CLOCK_STEP_MS; expect(storedAt).toBeGreaterThanOrEqual(since);',
    'expect(Date.parse(stamp)).toBeLessThanOrEqual(Date.now());',
    'const end = Date.now() + 9; while (Date.now() < end) look(); expect(x).toBe(1);',
    "async function make() { const from = Date.now(); await until(() => Date.now() - from > 3, 60_000, 'x'); return 4; } expect(await make()).toBe(4);",
    "it('x', () => undefined, 90_000);",
    "await until(() => false, 50, 'the moon');",
  ])('%s', (code) => {
    expect(rulesBroken(code)).toEqual([]);
  });
});
