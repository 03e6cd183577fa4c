import { describe, expect, it } from '@jest/globals';
import { type CpuLoad, demandsOf, leftOf } from './cpu.demand.js';

const load = (startUs: number, endUs: number, milliCores: number): CpuLoad => ({ startUs, endUs, milliCores });
const two = { milliCores: 2000, leftMilliCores: 2000 };

describe('the demand of a load', () => {
  it.each<[string, CpuLoad[], [milliCores: number, freeUs: number][]]>([
    ['alone: what it used', [load(0, 1000, 900)], [[900, 1000]]],
    ['alone and mostly waiting: what it used', [load(0, 1000, 50)], [[50, 1000]]],
    ['alone and on several cores: what it used', [load(0, 1000, 1600)], [[1600, 1000]]],
    [
      'two on two cores: what they used',
      [load(0, 1000, 1000), load(0, 1000, 1000)],
      [
        [1000, 1000],
        [1000, 1000],
      ],
    ],
    [
      'four on two cores, half of one each: one, in half the time',
      [0, 1, 2, 3].map(() => load(0, 1000, 500)),
      [0, 1, 2, 3].map(() => [1000, 500]),
    ],
    [
      'three that together ask for less than there is: what they used',
      [0, 1, 2].map(() => load(0, 1000, 600)),
      [0, 1, 2].map(() => [600, 1000]),
    ],
  ])('%s', (_name, loads, expected) => {
    demandsOf(loads, two).forEach(({ milliCores, freeUs }, at) => {
      const [asked = 0, free = 0] = expected[at] ?? [];
      expect(Math.abs(milliCores / asked - 1)).toBeLessThan(0.03);
      expect(Math.abs(freeUs / free - 1)).toBeLessThan(0.03);
    });
  });
  it('is found when loads overlap partially', () => {
    // Both request two cores: alone from 0 to 5 and from 10 to 15, shared between.
    const demands = demandsOf([load(0, 10_000, 1500), load(5000, 15_000, 1500)], two);
    for (const { milliCores, freeUs } of demands) {
      expect(Math.abs(milliCores / 2000 - 1)).toBeLessThan(0.03);
      expect(Math.abs(freeUs / 7500 - 1)).toBeLessThan(0.03);
    }
  });
  it('never exceeds the cores of the host', () => {
    const demands = demandsOf([load(0, 1000, 2000), load(0, 1000, 2000), load(500, 501, 2000)], two);
    expect(Math.max(...demands.map(({ milliCores }) => milliCores))).toBeLessThanOrEqual(2000);
    expect(Math.min(...demands.map(({ freeUs }) => freeUs))).toBeGreaterThanOrEqual(0);
  });
  it('is empty without loads', () => {
    expect(demandsOf([], two)).toEqual([]);
  });
});

describe('the cores that other programs left', () => {
  const idle = (one: CpuLoad, before: number, after: number): CpuLoad => ({ ...one, idleMs: [before, after] });
  it.each<[string, CpuLoad[], number]>([
    ['all where nobody measured', [load(0, 1_000_000, 500)], 2000],
    ['all where one did not measure', [idle(load(0, 1_000_000, 500), 0, 0), load(0, 1_000_000, 500)], 2000],
    ['what was used where nothing was idle', [idle(load(0, 1_000_000, 1400), 70, 70)], 1400],
    [
      'half of all where others took the rest from a load that mostly waits',
      [idle(load(0, 1_000_000, 90), 70, 70)],
      1000,
    ],
    ['what was used and what was idle', [idle(load(0, 1_000_000, 500), 70, 1070)], 1500],
    ['never more than there is', [idle(load(0, 1_000_000, 500), 0, 9000)], 2000],
    ['all where the idle time runs backwards', [idle(load(0, 1_000_000, 500), 70, 60)], 2000],
    [
      'over several: the idle time between their starts and ends once, and none of the pause between them',
      [
        idle(load(0, 1_000_000, 1000), 0, 500),
        idle(load(0, 1_000_000, 500), 0, 500),
        idle(load(9_000_000, 10_000_000, 1000), 17_000, 17_000),
      ],
      1500,
    ],
    ['all where nothing took any time', [], 2000],
  ])('is %s', (_name, loads, left) => {
    expect(leftOf(loads, 2000)).toBe(left);
  });
});
