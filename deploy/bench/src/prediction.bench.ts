import { availableParallelism } from 'node:os';
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
import { median } from './median.js';
import { keep } from './results.js';

const REPEATS = 3;
const MAKE_MS = 120_000;
const CLIP_SECONDS = 4;
/** Overlays rest this long, so that they do not slow each other down on the cores that they share. */
const OVERLAY_SECONDS = 3;
/** Overlays of so much video compute long enough that what the services do beside them does not decide. */
const COMPUTING = { sceneCount: 4, durationSeconds: 24 } as const;
/** Largest error of a prediction, share of the real makespan. */
const MAX_ERROR = 0.05;
const LIGHT = { FFMPEG_PRESET: 'ultrafast', FFMPEG_THREADS: '1', POLL_INTERVAL: '0.25' };
const equal = (seconds: number): object => ({ min: seconds, max: seconds });

interface Prediction {
  readonly change: string;
  /** How the table names it; the change where it is absent. */
  readonly label?: string;
  readonly before: readonly Report[];
  readonly after: readonly Report[];
}

let count = 0;

async function video(
  api: ApiClient,
  maxWorkers: number,
  size: { readonly sceneCount: number; readonly durationSeconds: number } = { sceneCount: 4, durationSeconds: 12 },
): Promise<Report> {
  const request: CreateGenerationInput = {
    // No two alike: none is taken from a cache.
    prompt: `A lamp for reading in bed, number ${(count += 1)}, that turns itself off.`,
    ...size,
    aspectRatio: '1:1',
    parallel: { enabled: true, maxWorkers },
  };
  return (await measure(api, request, MAKE_MS)).report;
}

/** Two clips at once against four, and against two at once of half the length. */
async function clipPredictions(): Promise<Prediction[]> {
  const ffmpeg = new SlowFfmpeg();
  const stack = await LocalStack.start({ env: { ...LIGHT, FFMPEG_PATH: ffmpeg.path } });
  try {
    const api = new ApiClient(stack.urls.gateway);
    const sandbox = new SandboxClient(stack.urls.sandbox);
    const made: Record<'narrow' | 'wide' | 'fast', Report[]> = { narrow: [], wide: [], fast: [] };
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

/** The replicas are all of the difference: four clips at once from two workers of one clip each, and from four. */
async function replicaPrediction(): Promise<Prediction> {
  const ffmpeg = new SlowFfmpeg();
  try {
    const env = { FFMPEG_PATH: ffmpeg.path, CLIP_CONCURRENCY: '1' };
    const reports = async (workers: number): Promise<Report[]> =>
      repeated(['--scale', `clip-generator=${workers}`], env, CLIP_SECONDS);
    return { change: '4 clip-generator workers', before: await reports(2), after: await reports(4) };
  } finally {
    ffmpeg.remove();
  }
}

async function overlayPrediction(): Promise<Prediction> {
  const slow = new SlowFfmpeg(OVERLAY_SECONDS);
  try {
    const reports = async (workers: number): Promise<Report[]> =>
      repeated(['--scale', `overlay=${workers}`], { FFMPEG_PATH: slow.path, OVERLAY_CONCURRENCY: '1' }, 0.5);
    return { change: '2 overlay workers', before: await reports(1), after: await reports(2) };
  } finally {
    slow.remove();
  }
}

/**
 * Overlays that compute as they do on a user's machine: two at a time use two cores up, so four at a time on the same
 * cores gain nothing.
 */
export async function computingPrediction(): Promise<Prediction> {
  // Only the drawing of the sandbox's clips is spared: no real provider does it on this machine.
  const ffmpeg = new SlowFfmpeg();
  try {
    const env = { FFMPEG_PATH: ffmpeg.path, OVERLAY_CONCURRENCY: '1', FFMPEG_PRESET: 'medium' };
    const reports = async (workers: number): Promise<Report[]> =>
      repeated(['--scale', `overlay=${workers}`], env, 0.5, COMPUTING);
    const cores = availableParallelism();
    const label = `4 overlay workers that compute, on ${cores} cores`;
    return { change: '4 overlay workers', label, before: await reports(2), after: await reports(4) };
  } finally {
    ffmpeg.remove();
  }
}

/** The same video several times on a stack of its own; a first one warms it up. */
async function repeated(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  clipSeconds: number,
  size?: Parameters<typeof video>[2],
): Promise<Report[]> {
  const stack = await LocalStack.start({ args, env: { ...LIGHT, ...env } });
  try {
    const api = new ApiClient(stack.urls.gateway);
    await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds: equal(clipSeconds) });
    await video(api, 4, size);
    const made: Report[] = [];
    for (let run = 0; run < REPEATS; run += 1) made.push(await video(api, 4, size));
    return made;
  } finally {
    await stack.stop();
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** A row of the table, and by how much the prediction missed, share of the real makespan. */
export type PredictionRow = Readonly<Record<string, string>>;
export function rowOf({ change, label = change, before, after }: Prediction): { row: PredictionRow; error: number } {
  const said = median(before.map((report) => predicted(report, change)));
  const real = median(after.map(({ makespanMs }) => makespanMs));
  const error = said / real - 1;
  return {
    row: {
      'what if': label,
      before: seconds(median(before.map(({ makespanMs }) => makespanMs))),
      predicted: seconds(said),
      'real run': seconds(real),
      error: `${(error * 100).toFixed(1)} %`,
      'calibration error': `${median(before.map((report) => Math.abs(report.calibrationErrorPct))).toFixed(2)} %`,
    },
    error,
  };
}

/** What a run predicts for a change against what the changed system then takes: medians of repeated runs. */
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
    before: before.map((report) => ({
      makespanMs: report.makespanMs,
      predictedMs: predicted(report, change),
      advice: report.bottleneck.advice,
    })),
    after: after.map(({ makespanMs }) => makespanMs),
  }));
  await keep({ name: 'predictions', figures: { repeats: REPEATS, runs: figures }, rows });
  return { good: found.every(({ error }) => Math.abs(error) < MAX_ERROR), rows };
}
