import { parentPort, workerData } from 'node:worker_threads';
import { analyze, parseTrace } from '@clipmesh/trace-analysis';
import { longTrace } from './long.trace.js';

const spans = workerData as number;
const json: unknown = JSON.parse(JSON.stringify(longTrace(spans)));
const startMs = performance.now();
const [trace] = parseTrace(json);
const parsedMs = performance.now();
const report = trace === undefined ? undefined : analyze(trace);
parentPort?.postMessage({
  spans: trace?.spans.length ?? 0,
  parseMs: parsedMs - startMs,
  analyzeMs: performance.now() - parsedMs,
  clips: report?.stages.find(({ stage }) => stage === 'clip')?.count ?? 0,
});
