import { printError } from '@clipmesh/deploy-local/command.line';
import { type Benchmark, parseBench } from './bench.arguments.js';
import { benchMedia } from './media/media.bench.js';
import { benchBottlenecks } from './stack/bottleneck.bench.js';
import { benchFaults } from './stack/faults.bench.js';
import { benchOptimizations } from './stack/optimizations.bench.js';
import { benchParallel } from './stack/parallel.bench.js';
import { benchSimulation, replaySchedule } from './simulation/simulate.bench.js';
import { benchTracing } from './tracing/tracing.bench.js';

/** Resolves with whether every benchmark reached its goal. */
async function main(): Promise<boolean> {
  const { benchmarks, schedules, seed } = parseBench(process.argv.slice(2));
  if (seed !== undefined) return replaySchedule(seed);
  const runs: Readonly<Record<Benchmark, () => Promise<boolean>>> = {
    parallel: benchParallel,
    optimizations: benchOptimizations,
    faults: benchFaults,
    simulate: () => benchSimulation(schedules),
    bottlenecks: benchBottlenecks,
    tracing: benchTracing,
    media: benchMedia,
  };
  let isGood = true;
  for (const name of benchmarks) {
    console.log(`\n> ${name}`);
    isGood = (await runs[name]()) && isGood;
  }
  return isGood;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.exitCode = printError(error);
}
