import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { keep } from '../results/results.js';

/** Heap limit including the document, and time limit including the reading. */
const LIMITS = [
  { spans: 10_000, heapMb: 128, limitMs: 1000 },
  { spans: 100_000, heapMb: 1024, limitMs: 30_000 },
] as const;
const REPEATS = 3;
const measuredSchema = z.object({ spans: z.number(), parseMs: z.number(), analyzeMs: z.number() });
type Measured = z.infer<typeof measuredSchema>;

/** Repeats the analysis in a worker thread that dies when its heap exceeds the limit. */
function analyzeWithin(spans: number, heapMb: number): Promise<Measured[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./analysis.worker.js', import.meta.url), {
      workerData: { spans, repeats: REPEATS },
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    const runs: Measured[] = [];
    worker.on('message', (message: unknown) => {
      runs.push(measuredSchema.parse(message));
    });
    worker.once('error', reject);
    worker.once('exit', () => {
      resolve(runs);
    });
  });
}

/** Measures the analysis of long traces in a limited heap. */
export async function benchAnalysis(): Promise<boolean> {
  const rows: Record<string, string | number>[] = [];
  const figures: Record<string, unknown>[] = [];
  let good = true;
  for (const { spans, heapMb, limitMs } of LIMITS) {
    const runs = await analyzeWithin(spans, heapMb);
    const best = runs.reduce((a, b) => (b.parseMs + b.analyzeMs < a.parseMs + a.analyzeMs ? b : a));
    good = good && best.parseMs + best.analyzeMs < limitMs;
    const row = {
      spans: best.spans,
      'heap, at most': `${heapMb} MB`,
      reading: `${(best.parseMs / 1000).toFixed(2)} s`,
      analysis: `${(best.analyzeMs / 1000).toFixed(2)} s`,
      'allowed together': `${limitMs / 1000} s`,
    };
    console.log(JSON.stringify(row));
    rows.push(row);
    figures.push({ heapMb, limitMs, runs });
  }
  await keep({ name: 'analysis', figures: { sizes: figures }, rows });
  return good;
}
