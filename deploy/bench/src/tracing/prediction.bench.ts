import { availableParallelism, cpus } from 'node:os';
import { type CreateGenerationInput } from '@clipmesh/contracts';
import {
  ApiClient,
  LocalStack,
  measure,
  predicted,
  type Report,
  SandboxClient,
  SlowFfmpeg,
} from '@clipmesh/deploy-e2e';
import { median } from '../results/median.js';
import { keep } from '../results/results.js';

const REPEATS = 3;
const MAKE_MS = 120_000;
const CLIP_SECONDS = 4;
/** Sleep of each overlay, so that overlays do not slow each other down on shared cores, seconds. */
const OVERLAY_SECONDS = 3;
/** Overlays of this much video use so much CPU time that the work of the services does not matter. */
const COMPUTING = { sceneCount: 4, durationSeconds: 24 } as const;
/** Largest allowed error of a prediction, as a share of the real makespan. */
const MAX_ERROR = 0.05;
const LIGHT = { FFMPEG_PRESET: 'ultrafast', FFMPEG_THREADS: '1', POLL_INTERVAL: '0.25' };
const equal = (seconds: number): object => ({ min: seconds, max: seconds });

interface Run {
  readonly report: Report;
  /** CPU time of the machine during the run, ms. */
  readonly cpuMs: number;
}

interface Prediction {
  readonly change: string;
  /** Name in the table. Default: the change. */
  readonly label?: string;
  /**
   * Whether the CPU decides the duration. On a shared machine the same work may cost a third more CPU time in one run than in
   * the next, so the prediction is compared at equal speed: makespan per second of CPU time.
   */
  readonly computes?: boolean;
  readonly before: readonly Run[];
  readonly after: readonly Run[];
}

/** CPU time of all cores of this machine since its start, without idle time, ms. */
const busyMs = (): number =>
  cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);

let count = 0;

async function video(
  api: ApiClient,
  maxWorkers: number,
  size: { readonly sceneCount: number; readonly durationSeconds: number } = { sceneCount: 4, durationSeconds: 12 },
): Promise<Run> {
  const busyBefore = busyMs();
  const request: CreateGenerationInput = {
    // Each prompt differs, so that no video comes from a cache.
    prompt: `A lamp for reading in bed, number ${(count += 1)}, that turns itself off.`,
    ...size,
    aspectRatio: '1:1',
    parallel: { enabled: true, maxWorkers },
  };
  const { report } = await measure(api, request, MAKE_MS);
  return { report, cpuMs: busyMs() - busyBefore };
}

/** Predictions from two clips at once: for four at once, and for two at once of half the length. */
async function clipPredictions(): Promise<Prediction[]> {
  const ffmpeg = new SlowFfmpeg();
  const stack = await LocalStack.start({ env: { ...LIGHT, FFMPEG_PATH: ffmpeg.path } });
  try {
    const api = new ApiClient(stack.urls.gateway);
    const sandbox = new SandboxClient(stack.urls.sandbox);
    const made: Record<'narrow' | 'wide' | 'fast', Run[]> = { narrow: [], wide: [], fast: [] };
    await sandbox.scenario({ clipSeconds: equal(0.2) });
    await video(api, 4);
    for (let run = 0; run < REPEATS; run += 1) {
      await sandbox.scenario({ clipSeconds: equal(CLIP_SECONDS) });
      made.narrow.push(await video(api, 2));
      made.wide.push(await video(api, 4));
      await sandbox.scenario({ clipSeconds: equal(CLIP_SECONDS / 2) });
      made.fast.push(await video(api, 2));
    }
    return [
      { change: 'a window of 4', before: made.narrow, after: made.wide },
      { change: 'clip twice as fast', before: made.narrow, after: made.fast },
    ];
  } finally {
    await stack.stop();
    ffmpeg.remove();
  }
}

/** Only the replicas differ: four clips from two workers with one clip each, and from four workers. */
async function replicaPrediction(): Promise<Prediction> {
  const ffmpeg = new SlowFfmpeg();
  try {
    return await scaled('clip-generator', [2, 4], { FFMPEG_PATH: ffmpeg.path, CLIP_CONCURRENCY: '1' }, CLIP_SECONDS);
  } finally {
    ffmpeg.remove();
  }
}

async function overlayPrediction(): Promise<Prediction> {
  const slow = new SlowFfmpeg(OVERLAY_SECONDS);
  try {
    return await scaled('overlay', [1, 2], { FFMPEG_PATH: slow.path, OVERLAY_CONCURRENCY: '1' }, 0.5);
  } finally {
    slow.remove();
  }
}

/**
 * Overlays that use the CPU as on a user's machine: two at a time use two cores completely, so four at a time on the same
 * cores gain nothing.
 */
export async function computingPrediction(): Promise<Prediction> {
  // Only the drawing of the sandbox's clips is saved, because no real provider draws on this machine.
  const ffmpeg = new SlowFfmpeg();
  try {
    const env = { FFMPEG_PATH: ffmpeg.path, OVERLAY_CONCURRENCY: '1', FFMPEG_PRESET: 'medium' };
    const runs = await scaled('overlay', [2, 4], env, 0.5, COMPUTING);
    return { ...runs, label: `4 overlay workers that compute, on ${availableParallelism()} cores`, computes: true };
  } finally {
    ffmpeg.remove();
  }
}

/**
 * Makes the same video several times with each of two numbers of workers. The two stacks run at the same time and take
 * turns, so that a drifting machine speed does not favour one. A first video warms each stack up.
 */
async function scaled(
  service: string,
  [few, many]: readonly [few: number, many: number],
  env: Readonly<Record<string, string>>,
  clipSeconds: number,
  size?: Parameters<typeof video>[2],
): Promise<Prediction> {
  const stacks: LocalStack[] = [];
  const started = async (workers: number): Promise<() => Promise<Run>> => {
    const stack = await LocalStack.start({ args: ['--scale', `${service}=${workers}`], env: { ...LIGHT, ...env } });
    stacks.push(stack);
    await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds: equal(clipSeconds) });
    const api = new ApiClient(stack.urls.gateway);
    await video(api, 4, size);
    return async () => video(api, 4, size);
  };
  try {
    const [withFew, withMany] = [await started(few), await started(many)];
    const [before, after]: [Run[], Run[]] = [[], []];
    for (let round = 0; round < REPEATS; round += 1) {
      if (round % 2 === 1) after.push(await withMany());
      before.push(await withFew());
      if (round % 2 === 0) after.push(await withMany());
    }
    return { change: `${many} ${service} workers`, before, after };
  } finally {
    for (const stack of stacks) await stack.stop();
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** A row of the table. {@link rowOf} also returns the error of the prediction, as a share of the real makespan. */
export type PredictionRow = Readonly<Record<string, string>>;
export function rowOf({ change, label = change, computes = false, before, after }: Prediction): {
  row: PredictionRow;
  error: number;
} {
  const expected = (run: Run): number => predicted(run.report, change);
  const real = (run: Run): number => run.report.makespanMs;
  const errorOf = (of: (run: Run, ms: number) => number): number =>
    median(before.map((run) => of(run, expected(run)))) / median(after.map((run) => of(run, real(run)))) - 1;
  const asRun = errorOf((_, ms) => ms);
  const atEqualSpeed = errorOf(({ cpuMs }, ms) => ms / cpuMs);
  return {
    row: {
      'what if': label,
      before: seconds(median(before.map(real))),
      predicted: seconds(median(before.map(expected))),
      'real run': seconds(median(after.map(real))),
      error: percent(asRun),
      'error at equal CPU speed': computes ? percent(atEqualSpeed) : '',
      'calibration error': `${median(before.map(({ report }) => Math.abs(report.calibrationErrorPct))).toFixed(2)} %`,
    },
    error: computes ? atEqualSpeed : asRun,
  };
}

/** Compares the predictions of runs with the changed system: medians of repeated runs. */
export async function benchPredictions(): Promise<{ readonly good: boolean; readonly rows: readonly PredictionRow[] }> {
  const predictions = [
    ...(await clipPredictions()),
    await replicaPrediction(),
    await overlayPrediction(),
    await computingPrediction(),
  ];
  const found = predictions.map(rowOf);
  const rows = found.map(({ row }) => row);
  for (const row of rows) console.log(JSON.stringify(row));
  const figures = predictions.map(({ change, label = change, before, after }) => ({
    change: label,
    before: before.map(({ report, cpuMs }) => ({
      makespanMs: report.makespanMs,
      cpuMs,
      predictedMs: predicted(report, change),
      advice: report.bottleneck.advice,
    })),
    after: after.map(({ report, cpuMs }) => ({ makespanMs: report.makespanMs, cpuMs })),
  }));
  await keep({ name: 'predictions', figures: { repeats: REPEATS, runs: figures }, rows });
  return { good: found.every(({ error }) => Math.abs(error) < MAX_ERROR), rows };
}
