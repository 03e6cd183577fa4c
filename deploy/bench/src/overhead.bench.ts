import { readFileSync } from 'node:fs';
import { ApiClient, LocalStack, SandboxClient, TraceCollector } from '@clipmesh/deploy-e2e';
import { median } from './median.js';
import { keep } from './results.js';

const ROUNDS = 10;
const MAKE_MS = 120_000;
const CLIP_SECONDS = 4;
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
 * The same film on two stacks in turn, with the stream and OTLP/HTTP on and with both off. Spans are made in both, as they
 * are when nobody keeps them; what differs is that they are written, sent and kept.
 */
export async function benchOverhead(): Promise<boolean> {
  const collector = await TraceCollector.start();
  const stacks: LocalStack[] = [];
  const films: Record<'on' | 'off', Film[]> = { on: [], off: [] };
  try {
    const on = await LocalStack.start({ env: { TRACE_STREAM: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    stacks.push(on);
    const off = await LocalStack.start({ env: { TRACE_STREAM: 'false' } });
    stacks.push(off);
    for (const stack of stacks) {
      const clipSeconds = { min: CLIP_SECONDS, max: CLIP_SECONDS };
      await new SandboxClient(stack.urls.sandbox).scenario({ clipSeconds });
      await film(stack);
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const order = round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const);
      for (const which of order) films[which].push(await film(which === 'on' ? on : off));
    }
  } finally {
    for (const stack of stacks) await stack.stop();
    await collector.close();
  }
  const ms = (which: 'on' | 'off'): number => median(films[which].map((one) => one.ms));
  const cpuMs = (which: 'on' | 'off'): number => median(films[which].map((one) => one.cpuMs));
  const overhead = ms('on') / ms('off') - 1;
  const row = {
    films: ROUNDS * 2,
    'kept and sent': `${(ms('on') / 1000).toFixed(2)} s`,
    neither: `${(ms('off') / 1000).toFixed(2)} s`,
    'longer by': `${(overhead * 100).toFixed(1)} %`,
    'CPU of the services': `${cpuMs('on')} ms against ${cpuMs('off')} ms`,
  };
  console.log(JSON.stringify(row));
  await keep({ name: 'tracing', figures: { overhead, films }, rows: [row] });
  return overhead < MAX_OVERHEAD;
}
