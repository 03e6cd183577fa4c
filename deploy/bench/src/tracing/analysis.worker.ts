import { parentPort, workerData } from 'node:worker_threads';
import { analyze, parseTrace } from '@clipmesh/trace-analysis';
import { longTrace } from './long.trace.js';

const { spans, repeats } = workerData as { readonly spans: number; readonly repeats: number };
const json: unknown = JSON.parse(JSON.stringify(longTrace(spans)));
for (let run = 0; run < repeats; run += 1) {
  const startMs = performance.now();
  const [trace] = parseTrace(json);
  const parsedMs = performance.now();
  if (trace !== undefined) analyze(trace);
  parentPort?.postMessage({
    spans: trace?.spans.length ?? 0,
    parseMs: parsedMs - startMs,
    analyzeMs: performance.now() - parsedMs,
  });
}
