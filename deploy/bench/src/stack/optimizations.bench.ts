import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { encodeProfile, overlayTextSchema } from '@clipmesh/contracts';
import { ApiClient, LocalStack, SandboxClient } from '@clipmesh/deploy-e2e';
import { Media } from '@clipmesh/media';
import { median } from '../results/median.js';
import { keep, ROOT } from '../results/results.js';

const MAKE_MS = 300_000;
const FFMPEG_MS = 120_000;
const START_MS = 60_000;
const ROUNDS = 3;
const STARTS = 5;
/** A clock tick of the kernel: 100 per second on every Linux that Node supports. */
const TICK_MS = 10;
/** Seconds of the clips in the order of their purchase. In each batch of four, one keeps three workers waiting. */
const UNEVEN = [6, 1, 1, 1, 6, 1, 1, 1];
const WINDOW = 4;
const CLIPS = 4;
/** Videos of four clips each. */
const NOTICED_VIDEOS = 4;
const CLIP_SECONDS = 5;

interface Row {
  readonly optimization: string;
  readonly without: string;
  readonly with: string;
  readonly gain: string;
}
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const times = (ratio: number): string => `${ratio.toFixed(1)} times`;
const row = (optimization: string, withoutMs: number, withMs: number): Row => ({
  optimization,
  without: seconds(withoutMs),
  with: seconds(withMs),
  gain: times(withoutMs / withMs),
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Runs the ways in turn, round after round, so that other work on the machine affects all of them. Returns medians, ms. */
async function medians(...ways: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const taken: number[][] = ways.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [index, way] of ways.entries()) taken[index]?.push(await timed(way));
  return taken.map(median);
}

/** Overlays two at a time against one with all threads; a join by copy against one that encodes. */
async function encoding(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'clipmesh-bench-'));
  const context = { signal: AbortSignal.timeout(MAKE_MS) };
  const media = (threads: number): Media =>
    new Media({ threads, maxProcesses: availableParallelism(), idleTimeoutMs: FFMPEG_MS, tempDir: folder });
  const profile = encodeProfile('16:9');
  const overlay = overlayTextSchema.parse({ text: 'Folds into a bag' });
  const path = (name: string): string => join(folder, name);
  const clips = Array.from({ length: CLIPS }, (_, index) => ({
    file: path(`scene-${index}.mov`),
    durationSeconds: CLIP_SECONDS,
  }));
  const draw = (index: number, threads: number): Promise<unknown> =>
    media(threads).overlay(
      {
        file: path(`clip-${index}.mp4`),
        output: path(`scene-${index}.mov`),
        durationSeconds: CLIP_SECONDS,
        profile,
        overlay,
      },
      context,
    );
  const lane = async (indexes: readonly number[], threads: number): Promise<void> => {
    for (const index of indexes) await draw(index, threads);
  };
  try {
    for (const index of clips.keys()) {
      const { width, height } = profile;
      await media(2).render(
        { output: path(`clip-${index}.mp4`), seed: index, label: 'x', durationSeconds: CLIP_SECONDS, width, height },
        context,
      );
    }
    const [alone = 0, side = 0] = await medians(
      () => lane([0, 1, 2, 3], 2),
      () => Promise.all([lane([0, 1], 1), lane([2, 3], 1)]),
    );
    await writeFile(path('list.txt'), clips.map(({ file }) => `file '${file}'\n`).join(''));
    const encode = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-c:a', 'aac', '-threads', '2'];
    const input = ['-v', 'error', '-y', '-f', 'concat', '-safe', '0', '-i', path('list.txt')];
    const [encoded = 0, copied = 0] = await medians(
      () => promisify(execFile)('ffmpeg', [...input, ...encode, path('encoded.mp4')], { timeout: FFMPEG_MS }),
      async () => {
        await media(2).mix({ scenes: clips, output: path('sound.m4a') }, context);
        await media(2).join({ profile, clips, audio: path('sound.m4a'), output: path('joined.mp4') }, context);
      },
    );
    return [
      row(`overlays of ${CLIPS} clips, two at a time with a thread each (one after another with two)`, alone, side),
      row(`joining ${CLIPS * CLIP_SECONDS} s by stream copy (by encoding again)`, encoded, copied),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A sliding window against batches of the window's size, for the same clips. */
async function flow(stack: LocalStack): Promise<Row> {
  const api = new ApiClient(stack.urls.gateway);
  await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds: UNEVEN });
  const id = await api.create({
    prompt: 'A kettle that sings in the morning, in eight scenes.',
    sceneCount: UNEVEN.length,
    durationSeconds: UNEVEN.length * 3,
    parallel: { enabled: true, maxWorkers: WINDOW },
  });
  await api.succeeded(id, MAKE_MS);
  const { stages } = (await api.performance(id)) as unknown as { stages: { stage: string; busyMs: number }[] };
  const clipMs = stages.find(({ stage }) => stage === 'clip')?.busyMs ?? Number.NaN;
  let batchesMs = 0;
  for (let first = 0; first < UNEVEN.length; first += WINDOW)
    batchesMs += Math.max(...UNEVEN.slice(first, first + WINDOW)) * 1000;
  return row(`clips of ${UNEVEN.join(', ')} s in a window of ${WINDOW} (in batches of ${WINDOW})`, batchesMs, clipMs);
}

/** Time from a clip's end at the provider to the stored clip, with frequent polls near the usual end. */
async function notice(stack: LocalStack): Promise<Row> {
  const api = new ApiClient(stack.urls.gateway);
  const sandbox = new SandboxClient(stack.urls.sandbox);
  await sandbox.scenario({ clipSeconds: { min: 3, max: 6 } });
  await sandbox.clearInvoice();
  const lateMs: number[] = [];
  for (let video = 0; video < NOTICED_VIDEOS; video += 1) {
    const id = await api.create({ prompt: `A pen that never runs dry, number ${video}.`, sceneCount: 4 });
    await api.succeeded(id, MAKE_MS);
    const endedMs = new Map(
      (await sandbox.invoice()).predictions.map(({ id: prediction, completedAt }) => [
        prediction,
        Date.parse(String(completedAt)),
      ]),
    );
    for (const { name, data } of await api.events(id, MAKE_MS))
      if (name === 'clip.generated')
        lateMs.push(Date.parse(String(data['at'])) - (endedMs.get(String(data['predictionId'])) ?? Number.NaN));
  }
  return row(`a clip's end noticed, and the clip stored (the mean of a poll each 2 s)`, 1000, median(lateMs));
}

/** Makes the same video twice, with the cache. */
async function cache(stack: LocalStack): Promise<Row> {
  const api = new ApiClient(stack.urls.gateway);
  await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds: { min: 4, max: 4 } });
  const make = async (): Promise<{ ms: number; usd: number }> => {
    let id = '';
    const ms = await timed(async () => {
      id = await api.create({ prompt: 'A lamp that follows the sun.', sceneCount: 4, seed: 7, cache: true });
      await api.succeeded(id, MAKE_MS);
    });
    return { ms, usd: (await api.cost(id)).totalUsd };
  };
  const [bought, found] = [await make(), await make()];
  return {
    optimization: 'a repeated video, from the cache (bought)',
    without: `${seconds(bought.ms)}, $${bought.usd.toFixed(2)}`,
    with: `${seconds(found.ms)}, $${found.usd.toFixed(2)}`,
    gain: times(bought.ms / found.ms),
  };
}

/** CPU time of the cost service from its start until it is ready, ms. */
async function startCpuMs(stack: LocalStack, program: string): Promise<number> {
  const env = { ...process.env, NATS_URL: stack.urls.nats, DATA_DIR: stack.dataDir, OTEL_SERVICE_NAME: 'cost' };
  const child = spawn(process.execPath, [program], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  try {
    let output = '';
    for await (const text of child.stdout.setEncoding('utf8') as AsyncIterable<string>)
      if ((output += text).includes('"msg":"ready"')) break;
    // After the name, which may contain anything, utime and stime are the twelfth and thirteenth fields.
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}

async function starts(stack: LocalStack): Promise<Row> {
  const taken: [number[], number[]] = [[], []];
  for (let round = 0; round < STARTS; round += 1) {
    taken[0].push(await startCpuMs(stack, 'services/cost/dist/main.js'));
    taken[1].push(await startCpuMs(stack, 'dist/services/cost.js'));
  }
  const [apart, bundled] = [median(taken[0]), median(taken[1])];
  return row('CPU of a service until it is ready, bundled (as compiled)', apart, bundled);
}

/** Measures the gain of each optimization, with and without in one run. */
export async function benchOptimizations(): Promise<boolean> {
  const rows: Row[] = await encoding();
  const stack = await LocalStack.start({ env: { CLIP_CONCURRENCY: '8' } });
  try {
    rows.push(await flow(stack), await notice(stack), await cache(stack), await starts(stack));
  } finally {
    await stack.stop();
  }
  for (const one of rows) console.log(JSON.stringify(one));
  await keep({ name: 'optimizations', figures: { rounds: ROUNDS }, rows: rows.map((one) => ({ ...one })) });
  return true;
}
