import { parentPort, workerData } from 'node:worker_threads';
import { analyze, parseTrace } from '@clipmesh/trace-analysis';

/** Posts the report of the trace in `workerData` (OTLP JSON), or undefined when it has no spans. */
const [trace] = parseTrace(workerData);
parentPort?.postMessage(trace === undefined ? undefined : analyze(trace));
