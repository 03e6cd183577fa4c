/** Something that computed. */
export interface CpuLoad {
  readonly startUs: number;
  readonly endUs: number;
  /** Cores that it kept busy on average, thousandths. */
  readonly milliCores: number;
  /** CPU time that the cores of its machine had been idle at its start and at its end, ms; absent where nobody measured. */
  readonly idleMs?: readonly [before: number, after: number];
}

/** What a load would have been with enough cores. */
export interface CpuDemand {
  /** Cores that it asks for, thousandths. */
  readonly milliCores: number;
  /** How long it takes when it gets them, us. */
  readonly freeUs: number;
}

/** A program that computes asks for one core at least, where the measured time does not say that it asked for less. */
const ONE_CORE = 1000;
const ROUNDS = 16;
/** A load whose CPU time is explained to this share keeps what it asks for. */
const NEAR = 0.02;

interface Edge {
  readonly atUs: number;
  readonly load: number;
  readonly begins: boolean;
}

/** Beginnings and ends in the order of time. */
function edgesOf(loads: readonly CpuLoad[]): Edge[] {
  return loads
    .flatMap(({ startUs, endUs }, load) => [
      { atUs: startUs, load, begins: true },
      { atUs: endUs, load, begins: false },
    ])
    .sort((a, b) => a.atUs - b.atUs);
}

/**
 * Cores that other processes left to the loads, on average while any of them ran, thousandths: what the loads used, and
 * what was idle beside it. All of the host's where not every load has its idle times. Never less than half of them: on a
 * busy machine nothing is idle, but a fair scheduler takes cores from the other programs when the loads ask for more.
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
 * What each of the loads of one host asked for. Where together they ask for more than there is, all are slowed alike;
 * so of a load that was slowed the measured CPU time is less than what it asked for. Begins with one core for each (a
 * program that computes keeps a core busy when it can), and corrects what does not explain the measured CPU time.
 * Replayed beside the same loads, each takes exactly as long as it took.
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

/** How long each load takes when nothing slows it, us, if it asked for so much: its time by the rate of progress in it. */
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
