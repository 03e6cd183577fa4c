import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fluidEnds, type FluidJob } from '../../test/fluid.cores.js';
import { SharedCores } from './shared.cores.js';

/** The end of each job. Jobs that start at the same time start in their order. */
function endsOf(milliCores: number, jobs: readonly FluidJob[]): number[] {
  const cores = new SharedCores(milliCores);
  const ends = new Array<number>(jobs.length).fill(0);
  const arrivals = jobs.map((_, id) => id).sort((a, b) => (jobs[a]?.atUs ?? 0) - (jobs[b]?.atUs ?? 0));
  for (let next = 0; ;) {
    const arrival = jobs[arrivals[next] ?? -1];
    const dueUs = cores.nextUs();
    if (arrival === undefined && dueUs === undefined) return ends;
    if (arrival !== undefined && (dueUs === undefined || arrival.atUs < dueUs)) {
      cores.enter(arrival.atUs, arrivals[next] ?? 0, arrival.milliCores, arrival.freeUs);
      next += 1;
    } else if (dueUs !== undefined) for (const id of cores.leave(dueUs)) ends[id] = dueUs;
  }
}

const jobs = fc.array(
  fc.record({
    atUs: fc.nat(50_000),
    milliCores: fc.integer({ min: 1, max: 4000 }),
    freeUs: fc.integer({ min: 1, max: 20_000 }),
  }),
  { maxLength: 30 },
);
const cores = fc.integer({ min: 100, max: 8000 });
/**
 * Each event rounds progress to a microsecond at most. A microsecond of progress takes as long as the slowest rate makes
 * it: that of all the jobs at once.
 */
const toleranceUs = (milliCores: number, list: readonly FluidJob[]): number => {
  const asked = list.reduce((sum, one) => sum + one.milliCores, 0);
  return (2 + list.length) * Math.max(1, asked / milliCores);
};
const job = (atUs: number, milliCores: number, freeUs: number): FluidJob => ({ atUs, milliCores, freeUs });

describe('shared cores', () => {
  it.each<[string, number, FluidJob[], number[]]>([
    ['one alone is not slowed', 2000, [job(5, 1000, 100)], [105]],
    ['two on two cores are not slowed', 2000, [job(0, 1000, 100), job(0, 1000, 80)], [100, 80]],
    ['four on two cores take twice as long', 2000, [0, 1, 2, 3].map(() => job(0, 1000, 100)), [200, 200, 200, 200]],
    ['one that asks for more than there is', 2000, [job(0, 4000, 100)], [200]],
    ['one that comes later slows from then on', 1000, [job(0, 1000, 100), job(50, 1000, 100)], [150, 200]],
    ['one that waits most of its time leaves the rest', 1000, [job(0, 250, 100), job(0, 750, 100)], [100, 100]],
    ['without cores to speak of it goes on all the same', 1, [job(0, 1000, 3)], [3000]],
    ['at time 0 for no time', 1000, [job(0, 1000, 0)], [0]],
  ])('%s', (_name, milliCores, list, ends) => {
    expect(endsOf(milliCores, list)).toEqual(ends);
  });
  it('match a fluid model', () => {
    fc.assert(
      fc.property(cores, jobs, (milliCores, list) => {
        const exact = fluidEnds(milliCores, list);
        endsOf(milliCores, list).forEach((endUs, at) => {
          expect(Math.abs(endUs - (exact[at] ?? 0))).toBeLessThanOrEqual(toleranceUs(milliCores, list));
        });
      }),
    );
  });
  it('slow nothing down when there are enough', () => {
    fc.assert(
      fc.property(jobs, (list) => {
        expect(endsOf(Infinity, list)).toEqual(list.map(({ atUs, freeUs }) => atUs + freeUs));
      }),
    );
  });
  it('never delay a job when cores are added', () => {
    fc.assert(
      fc.property(cores, fc.integer({ min: 0, max: 4000 }), jobs, (milliCores, more, list) => {
        const few = endsOf(milliCores, list);
        endsOf(milliCores + more, list).forEach((endUs, at) => {
          expect(endUs).toBeLessThanOrEqual((few[at] ?? 0) + toleranceUs(milliCores, list));
        });
      }),
    );
  });
  it('complete all work within their capacity', () => {
    fc.assert(
      fc.property(cores, jobs, (milliCores, list) => {
        const work = list.reduce((sum, one) => sum + one.milliCores * one.freeUs, 0);
        const ends = endsOf(milliCores, list);
        const times = [...new Set([...list.map(({ atUs }) => atUs), ...ends])].sort((a, b) => a - b);
        const given = times.slice(1).reduce((sum, untilUs, at) => {
          const fromUs = times[at] ?? 0;
          const asked = list.reduce(
            (all, one, i) => all + (one.atUs <= fromUs && (ends[i] ?? 0) >= untilUs ? one.milliCores : 0),
            0,
          );
          return sum + Math.min(asked, milliCores) * (untilUs - fromUs);
        }, 0);
        expect(Math.abs(given - work)).toBeLessThanOrEqual(milliCores * (list.length + 1) * 2);
      }),
    );
  });
});
