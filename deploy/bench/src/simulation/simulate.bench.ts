import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { MISTAKES, type SimulationResult } from './simulation.setup.js';
import { simulate } from './simulation.js';
import { keep } from '../results/results.js';

interface WorkerReport {
  readonly count?: number;
  readonly steps?: number;
  readonly kills?: number;
  readonly broken?: SimulationResult;
}

/** The first seed that detects a mistake. Undefined when none up to `limit` does. */
async function noticedAt(mistake: (typeof MISTAKES)[number], limit: number): Promise<number | undefined> {
  for (let seed = 1; seed <= limit; seed += 1) if ((await simulate(seed, mistake)).broken.length > 0) return seed;
  return undefined;
}

/** Runs schedules on all cores, prints the seed of each that violates an invariant, and writes the results. */
export async function benchSimulation(schedules: number): Promise<boolean> {
  const startMs = performance.now();
  const cores = availableParallelism();
  const total = { count: 0, steps: 0, kills: 0 };
  const broken: SimulationResult[] = [];
  const workers = Array.from({ length: cores }, async (_, index) => {
    const worker = new Worker(join(import.meta.dirname, 'simulate.worker.js'), {
      workerData: { from: index + 1, step: cores, to: schedules },
    });
    worker.on('message', (report: WorkerReport) => {
      total.count += report.count ?? 0;
      total.steps += report.steps ?? 0;
      total.kills += report.kills ?? 0;
      if (report.broken !== undefined) {
        broken.push(report.broken);
        console.log(`seed ${report.broken.seed}: ${report.broken.broken.join('; ')}`);
      } else process.stdout.write(`\r${total.count} of ${schedules} schedules`);
    });
    await once(worker, 'exit');
  });
  await Promise.all(workers);
  const seconds = (performance.now() - startMs) / 1000;
  const mistakes = await Promise.all(
    MISTAKES.map(async (mistake) => ({ mistake, 'noticed at schedule': (await noticedAt(mistake, 1000)) ?? 'never' })),
  );
  console.log(`\n${total.kills} kills, ${total.steps} steps, ${broken.length} broken, ${seconds.toFixed(0)} s`);
  await keep({
    name: 'simulation',
    figures: { schedules: total.count, steps: total.steps, kills: total.kills, broken: broken.length, seconds },
    rows: [{ schedules: total.count, kills: total.kills, steps: total.steps, broken: broken.length }],
  });
  await keep({ name: 'mistakes', figures: {}, rows: mistakes });
  return broken.length === 0 && mistakes.every((row) => row['noticed at schedule'] !== 'never');
}

/** Replays one schedule by its seed. */
export async function replaySchedule(seed: number): Promise<boolean> {
  const result = await simulate(seed);
  console.log(JSON.stringify(result, null, 2));
  return result.broken.length === 0;
}
