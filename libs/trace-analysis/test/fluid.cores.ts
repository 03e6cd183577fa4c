/** Something that computes: it asks for so many cores, thousandths, and takes `freeUs` when it gets them. */
export interface FluidJob {
  readonly atUs: number;
  readonly milliCores: number;
  readonly freeUs: number;
}

/** When each job is done where all share the cores in proportion: by real numbers and in square time, to compare with. */
export function fluidEnds(milliCores: number, jobs: readonly FluidJob[]): number[] {
  const ends = new Array<number>(jobs.length).fill(Infinity);
  const left = jobs.map(({ freeUs }) => freeUs);
  let nowUs = 0;
  for (;;) {
    const open = jobs.flatMap((_, at) => (ends[at] === Infinity ? [at] : []));
    if (open.length === 0) return ends;
    const inside = open.filter((at) => (jobs[at]?.atUs ?? 0) <= nowUs);
    const asked = inside.reduce((sum, at) => sum + (jobs[at]?.milliCores ?? 0), 0);
    const rate = Math.min(1, milliCores / asked);
    const arrivals = open.map((at) => jobs[at]?.atUs ?? 0).filter((atUs) => atUs > nowUs);
    const dues = inside.map((at) => nowUs + (left[at] ?? 0) / rate);
    const untilUs = Math.min(...arrivals, ...dues);
    for (const at of inside) {
      left[at] = (left[at] ?? 0) - (untilUs - nowUs) * rate;
      if ((left[at] ?? 0) < 1e-6) ends[at] = untilUs;
    }
    nowUs = untilUs;
  }
}
