/** A measured period of computing. */
export interface CpuLoad {
  readonly startUs: number;
  readonly endUs: number;
  /** Average number of busy cores, thousandths. */
  readonly milliCores: number;
  /** The machine's idle CPU time counter at its start and end, ms; absent when not measured. */
  readonly idleMs?: readonly [before: number, after: number];
}

/** A load as it would be with enough cores. */
export interface CpuDemand {
  /** Requested cores, thousandths. */
  readonly milliCores: number;
  /** Duration with the requested cores, us. */
  readonly freeUs: number;
}

/** A computing program requests at least one core, unless the measured time shows less, thousandths. */
const ONE_CORE = 1000;
const ROUNDS = 16;
/** Tolerated relative error of a load's CPU time. */
const NEAR = 0.02;

interface Edge {
  readonly atUs: number;
  readonly load: number;
  readonly begins: boolean;
}

/** Starts and ends in time order. */
function edgesOf(loads: readonly CpuLoad[]): Edge[] {
  return loads
    .flatMap(({ startUs, endUs }, load) => [
      { atUs: startUs, load, begins: true },
      { atUs: endUs, load, begins: false },
    ])
    .sort((a, b) => a.atUs - b.atUs);
}

/**
 * Average cores that other processes left to the loads while any load ran, thousandths: used plus idle cores. All cores of the host when
 * a load has no idle times. At least half of the cores: a busy machine has no idle time, but a fair scheduler takes cores from other
 * programs when the loads request more.
 */
export function leftOf(loads: readonly CpuLoad[], milliCores: number): number {
  let [running, lastUs, lastIdleMs, totalUs, idle] = [0, 0, 0, 0, 0];
  for (const { atUs, load, begins } of edgesOf(loads)) {
    const idleMs = loads[load]?.idleMs;
    if (idleMs === undefined || idleMs[1] < idleMs[0]) return milliCores;
    const nowMs = Math.max(lastIdleMs, begins ? idleMs[0] : idleMs[1]);
    if (running > 0) {
      totalUs += atUs - lastUs;
      idle += (nowMs - lastIdleMs) * 1_000_000;
    }
    running += begins ? 1 : -1;
    [lastUs, lastIdleMs] = [atUs, nowMs];
  }
  const used = loads.reduce((sum, { startUs, endUs, milliCores: own }) => sum + own * (endUs - startUs), 0);
  return totalUs === 0
    ? milliCores
    : Math.min(milliCores, Math.max(Math.ceil(milliCores / 2), Math.round((used + idle) / totalUs)));
}

/**
 * Estimates the demand of each load of one host. When the loads together request more cores than available, all are slowed by the same
 * factor, so the measured CPU time of a slowed load is below its demand. Starts with one core per load (a computing program keeps a core
 * busy when it can) and iterates until the demands explain the measured CPU times. A replay with the same loads reproduces their
 * durations.
 */
export function demandsOf(
  loads: readonly CpuLoad[],
  host: { readonly milliCores: number; readonly leftMilliCores: number },
): CpuDemand[] {
  const edges = edgesOf(loads);
  const asked = loads.map(({ milliCores }) => Math.min(host.milliCores, Math.max(milliCores, ONE_CORE)));
  let free = freeOf(edges, asked, host.leftMilliCores);
  for (let round = 0; round < ROUNDS; round += 1) {
    let changes = 0;
    for (const [at, { startUs, endUs, milliCores }] of loads.entries()) {
      const used = milliCores * (endUs - startUs);
      const [before, freeUs] = [asked[at] ?? 0, free[at] ?? 0];
      if (freeUs <= 0 || Math.abs(before * freeUs - used) <= NEAR * used) continue;
      const better = Math.min(host.milliCores, Math.max(1, Math.round(used / freeUs)));
      if (better !== before) changes += 1;
      asked[at] = better;
    }
    if (changes === 0) break;
    free = freeOf(edges, asked, host.leftMilliCores);
  }
  return asked.map((milliCores, at) => ({ milliCores, freeUs: Math.round(free[at] ?? 0) }));
}

/** Duration of each load without slow-down for the given demands, us: its time multiplied by the rate of progress. */
function freeOf(edges: readonly Edge[], asked: readonly number[], leftMilliCores: number): number[] {
  const free = new Array<number>(asked.length).fill(0);
  let [sum, lastUs, progressUs] = [0, 0, 0];
  for (const { atUs, load, begins } of edges) {
    progressUs += (atUs - lastUs) * (sum <= leftMilliCores ? 1 : leftMilliCores / sum);
    lastUs = atUs;
    sum += (begins ? 1 : -1) * (asked[load] ?? 0);
    free[load] = begins ? progressUs : progressUs - (free[load] ?? 0);
  }
  return free;
}
