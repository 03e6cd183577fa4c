import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { simulate } from './simulation.js';

const { from, step, to } = z.object({ from: z.int(), step: z.int(), to: z.int() }).parse(workerData);
const REPORT_EVERY = 500;

let steps = 0;
let kills = 0;
let count = 0;
for (let seed = from; seed <= to; seed += step) {
  const result = await simulate(seed);
  steps += result.steps;
  kills += result.kills;
  count += 1;
  if (result.broken.length > 0) parentPort?.postMessage({ broken: result });
  if (count % REPORT_EVERY === 0) parentPort?.postMessage({ count: REPORT_EVERY });
}
parentPort?.postMessage({ count: count % REPORT_EVERY, steps, kills });
