import { describe, expect, it } from '@jest/globals';
import { ScenarioStore } from './scenario.store.js';
import { clipSecondsFor, explain, isShare, scenarioSchema, takeToken } from './scenario.rules.js';

describe('scenario', () => {
  it('explains an invalid scenario', () => {
    const bad = scenarioSchema.safeParse({ clipSeconds: { min: 2, max: 1 }, failEvery: 0, typo: 1 });
    expect(bad.success).toBe(false);
    expect(explain(bad.error!)).toMatch(/failEvery: .*typo/s);
  });

  it('takes clip durations from the hash or from the list', () => {
    expect(clipSecondsFor({}, 0, '00000000')).toBe(1);
    expect(clipSecondsFor({}, 9, 'ffffffff')).toBe(2);
    const listed = { clipSeconds: [3, 1] };
    expect([0, 1, 2].map((index) => clipSecondsFor(listed, index, 'ff'))).toEqual([3, 1, 1]);
  });

  it('spreads lost replies evenly', () => {
    const hits = (share: number): number =>
      Array.from({ length: 10 }, (_, at) => isShare(share, at + 1)).filter(Boolean).length;
    expect([0, 0.3, 0.5, 1].map(hits)).toEqual([0, 3, 5, 10]);
  });

  it('refills the bucket over time', () => {
    const first = takeToken(undefined, 1, 0);
    expect(first.taken).toBe(true);
    expect(takeToken(first.bucket, 1, 30_000).taken).toBe(false);
    expect(takeToken(first.bucket, 1, 60_000).taken).toBe(true);
  });

  it('resets its counters with every scenario', () => {
    const scenarios = new ScenarioStore();
    scenarios.set({ failEvery: 2, unavailableEvery: 2, badPlanFirst: true });
    expect([scenarios.takePrediction(), scenarios.takePrediction()].map(({ fails }) => fails)).toEqual([false, true]);
    expect([scenarios.admit(0, true), scenarios.admit(0, true)].map(({ kind }) => kind)).toEqual(['ok', 'unavailable']);
    expect([scenarios.takeCompletion(), scenarios.takeCompletion()]).toEqual(['invalid', 'plan']);
    scenarios.set({ badPlanFirst: true });
    expect(scenarios.takeCompletion()).toBe('invalid');
  });
});
