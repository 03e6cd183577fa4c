import { readFileSync } from 'node:fs';
import { ApiClient, LocalStack, SandboxClient, SlowFfmpeg, TraceCollector } from '@clipmesh/deploy-e2e';
import { median } from '../results/median.js';
import { type PredictionRow } from './prediction.bench.js';
import { keep } from '../results/results.js';

const ROUNDS = 12;
const MAKE_MS = 120_000;
const CLIP_SECONDS = 5;
/** Largest allowed increase of a generation's time by tracing, as a share. */
const MAX_OVERHEAD = 0.02;
/** A clock tick of the kernel: 100 per second on every Linux that Node supports. */
const TICK_MS = 10;
/** Processes that are not services or exist only for tests. */
const OTHERS = /^(?:stack|sandbox)/;

interface Measurement {
  readonly ms: number;
  readonly cpuMs: number;
}

/** CPU time of the stack's services and broker so far, without their child processes, ms. */
function cpuMsOf(stack: LocalStack): number {
  let ticks = 0;
  for (const [name, pid] of stack.pids()) {
    if (OTHERS.test(name)) continue;
    // After the name, which may contain anything, utime and stime are the twelfth and thirteenth fields.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK_MS;
}

let count = 0;

async function video(stack: LocalStack): Promise<Measurement> {
  const api = new ApiClient(stack.urls.gateway);
  const before = cpuMsOf(stack);
  const id = await api.create({
    prompt: `A kettle that sings in the morning, number ${(count += 1)}.`,
    sceneCount: 4,
    durationSeconds: 12,
    aspectRatio: '9:16',
  });
  const { createdAt, finishedAt } = await api.succeeded(id, MAKE_MS);
  return { ms: Date.parse(String(finishedAt)) - Date.parse(String(createdAt)), cpuMs: cpuMsOf(stack) - before };
}

/**
 * Makes the same video on two stacks at the same time, so that other work on the machine delays both: one with the stream
 * and OTLP/HTTP, the other without. Both create spans; only one writes, sends and stores them. The predictions are stored
 * with the result.
 */
export async function benchOverhead(predictions: readonly PredictionRow[]): Promise<boolean> {
  const collector = await TraceCollector.start();
  const ffmpeg = new SlowFfmpeg();
  const light = { FFMPEG_PATH: ffmpeg.path, FFMPEG_PRESET: 'ultrafast', FFMPEG_THREADS: '1' };
  const stacks: LocalStack[] = [];
  const videos: Record<'on' | 'off', Measurement[]> = { on: [], off: [] };
  try {
    const on = await LocalStack.start({
      env: { ...light, TRACE_STREAM: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    });
    stacks.push(on);
    const off = await LocalStack.start({ env: { ...light, TRACE_STREAM: 'false' } });
    stacks.push(off);
    for (const stack of stacks) {
      const clipSeconds = { min: CLIP_SECONDS, max: CLIP_SECONDS };
      await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds });
      await video(stack);
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const [kept, dropped] = await Promise.all([video(on), video(off)]);
      videos.on.push(kept);
      videos.off.push(dropped);
    }
  } finally {
    for (const stack of stacks) await stack.stop();
    await collector.close();
    ffmpeg.remove();
  }
  const ms = (which: 'on' | 'off'): number => median(videos[which].map((one) => one.ms));
  const cpuMs = (which: 'on' | 'off'): number => median(videos[which].map((one) => one.cpuMs));
  const overhead = median(videos.on.map((one, round) => one.ms / (videos.off[round]?.ms ?? Number.NaN))) - 1;
  const row = {
    videos: ROUNDS * 2,
    'kept and sent': `${(ms('on') / 1000).toFixed(2)} s`,
    neither: `${(ms('off') / 1000).toFixed(2)} s`,
    'longer by': `${(overhead * 100).toFixed(1)} %`,
    'CPU of the services': `${cpuMs('on')} ms against ${cpuMs('off')} ms`,
  };
  console.log(JSON.stringify(row));
  await keep({ name: 'tracing', figures: { overhead, videos, predictions }, rows: [row] });
  return overhead < MAX_OVERHEAD;
}
