import { describe, expect, it } from '@jest/globals';
import { ScenarioDesk } from './scenario.desk.js';
import { clipSecondsFor, explain, isShare, scenarioSchema, takeToken } from './scenario.rules.js';

describe('scenario', () => {
  it('says what is wrong with a bad one', () => {
    const bad = scenarioSchema.safeParse({ clipSeconds: { min: 2, max: 1 }, failEvery: 0, typo: 1 });
    expect(bad.success).toBe(false);
    expect(explain(bad.error!)).toMatch(/failEvery: .*typo/s);
  });

  it('draws clip times from the hash, or takes them in turn', () => {
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

  it('refills the bucket with time', () => {
    const first = takeToken(undefined, 1, 0);
    expect(first.taken).toBe(true);
    expect(takeToken(first.bucket, 1, 30_000).taken).toBe(false);
    expect(takeToken(first.bucket, 1, 60_000).taken).toBe(true);
  });

  it('counts anew with every scenario', () => {
    const desk = new ScenarioDesk();
    desk.set({ failEvery: 2, unavailableEvery: 2, badPlanFirst: true });
    expect([desk.takePrediction(), desk.takePrediction()].map(({ fails }) => fails)).toEqual([false, true]);
    expect([desk.admit(0, true), desk.admit(0, true)].map(({ kind }) => kind)).toEqual(['ok', 'unavailable']);
    expect([desk.takeCompletion(), desk.takeCompletion()]).toEqual(['spoilt', 'plan']);
    desk.set({ badPlanFirst: true });
    expect(desk.takeCompletion()).toBe('spoilt');
  });
});
