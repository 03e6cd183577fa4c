import { describe, expect, it } from '@jest/globals';
import { MISTAKES, type SimulationResult } from './simulation.setup.js';
import { simulate } from './simulation.js';

/** `npm run bench -- simulate` runs 100,000. */
const SCHEDULES = 150;

describe('the simulation', () => {
  it(`breaks no invariant in ${SCHEDULES} schedules`, async () => {
    const results: SimulationResult[] = [];
    for (let seed = 1; seed <= SCHEDULES; seed += 1) results.push(await simulate(seed));
    expect(results.filter(({ broken }) => broken.length > 0)).toEqual([]);
    expect(results.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThan(SCHEDULES);
  });

  it('is deterministic for a seed', async () => {
    expect(await simulate(42)).toEqual(await simulate(42));
  });

  it.each(MISTAKES)('catches "%s" within 1,000 schedules', async (mistake) => {
    for (let seed = 1; seed <= 1000; seed += 1) if ((await simulate(seed, mistake)).broken.length > 0) return;
    throw new Error(`${mistake} went unnoticed`);
  });
});
