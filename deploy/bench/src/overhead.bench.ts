import { readFileSync } from 'node:fs';
import { ApiClient, LocalStack, SandboxClient, SlowFfmpeg, TraceCollector } from '@clipmesh/deploy-e2e';
import { median } from './median.js';
import { type PredictionRow } from './prediction.bench.js';
import { keep } from './results.js';

const ROUNDS = 12;
const MAKE_MS = 120_000;
const CLIP_SECONDS = 5;
/** Most that tracing may add to a generation's time. */
const MAX_OVERHEAD = 0.02;
/** The kernel's clock ticks, 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;
/** Not ours, or only there for tests. */
const OTHERS = /^(?:stack|sandbox)/;

interface Film {
  readonly ms: number;
  readonly cpuMs: number;
}

/** CPU time of the stack's services and its broker so far, without the programs that they start, ms. */
function cpuMsOf(stack: LocalStack): number {
  let ticks = 0;
  for (const [name, pid] of stack.pids()) {
    if (OTHERS.test(name)) continue;
    // After the name, which may hold anything, utime and stime are the twelfth and thirteenth fields.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK_MS;
}

let count = 0;

async function film(stack: LocalStack): Promise<Film> {
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
 * The same film on two stacks at the same time, so that whatever else the machine does delays both: with the stream and
 * OTLP/HTTP on, and with both off. Spans are made in both; what differs is that they are written, sent and kept. The
 * predictions are kept with the result.
 */
export async function benchOverhead(predictions: readonly PredictionRow[]): Promise<boolean> {
  const collector = await TraceCollector.start();
  const ffmpeg = new SlowFfmpeg();
  const light = { FFMPEG_PATH: ffmpeg.path, FFMPEG_PRESET: 'ultrafast', FFMPEG_THREADS: '1' };
  const stacks: LocalStack[] = [];
  const films: Record<'on' | 'off', Film[]> = { on: [], off: [] };
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
      await film(stack);
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const [kept, dropped] = await Promise.all([film(on), film(off)]);
      films.on.push(kept);
      films.off.push(dropped);
    }
  } finally {
    for (const stack of stacks) await stack.stop();
    await collector.close();
    ffmpeg.remove();
  }
  const ms = (which: 'on' | 'off'): number => median(films[which].map((one) => one.ms));
  const cpuMs = (which: 'on' | 'off'): number => median(films[which].map((one) => one.cpuMs));
  const overhead = median(films.on.map((one, round) => one.ms / (films.off[round]?.ms ?? Number.NaN))) - 1;
  const row = {
    films: ROUNDS * 2,
    'kept and sent': `${(ms('on') / 1000).toFixed(2)} s`,
    neither: `${(ms('off') / 1000).toFixed(2)} s`,
    'longer by': `${(overhead * 100).toFixed(1)} %`,
    'CPU of the services': `${cpuMs('on')} ms against ${cpuMs('off')} ms`,
  };
  console.log(JSON.stringify(row));
  await keep({ name: 'tracing', figures: { overhead, films, predictions }, rows: [row] });
  return overhead < MAX_OVERHEAD;
}
