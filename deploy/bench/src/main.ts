import { parseArgs } from 'node:util';
import { benchBottlenecks } from './stack/bottleneck.bench.js';
import { benchFaults } from './stack/faults.bench.js';
import { benchOptimizations } from './stack/optimizations.bench.js';
import { benchParallel } from './stack/parallel.bench.js';
import { benchSimulation, replaySchedule } from './simulation/simulate.bench.js';
import { benchTracing } from './tracing/tracing.bench.js';

const HELP = `npm run bench -- [BENCHMARK ...] [--schedules N] [--seed N]

  parallel        clips in sequence against clips in parallel: 3, 5 and 7 scenes
  optimizations   the gain of each optimization, with and without
  faults          generations while services and the broker are killed; 50 cancels
  simulate        schedules of the simulation
  bottlenecks     whether the report of a run names the planted cause
  tracing         analysis of long traces, predictions against real runs, the cost of tracing

Without a name, all benchmarks run. Results go to deploy/bench/results and docs/benchmarks.md.
  --schedules N   number of schedules to simulate. Default: 100000
  --seed N        replays one schedule by its seed`;

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      schedules: { type: 'string', default: '100000' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return true;
  }
  if (values.seed !== undefined) return replaySchedule(wholeNumber('--seed', values.seed));
  const schedules = wholeNumber('--schedules', values.schedules);
  const benchmarks: Readonly<Record<string, () => Promise<boolean>>> = {
    parallel: benchParallel,
    optimizations: benchOptimizations,
    faults: benchFaults,
    simulate: () => benchSimulation(schedules),
    bottlenecks: benchBottlenecks,
    tracing: benchTracing,
  };
  const names = positionals.length === 0 ? Object.keys(benchmarks) : positionals;
  const unknown = names.find((name) => benchmarks[name] === undefined);
  if (unknown !== undefined)
    throw new Error(`${unknown} is not a benchmark; choose from ${Object.keys(benchmarks).join(', ')}`);
  let good = true;
  for (const name of names) {
    console.log(`\n> ${name}`);
    good = ((await benchmarks[name]?.()) ?? false) && good;
  }
  return good;
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${flag} takes a whole number from 1, not "${text}"`);
  return value;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
