import { commandLine, readCommandLine, valueOption, whole } from '@clipmesh/deploy-local/command.line';
import { Argument } from 'commander';

/** The benchmarks in the order of a run, with what each measures. */
const BENCHMARKS = {
  parallel: 'clips in sequence against clips in parallel: 3, 5 and 7 scenes',
  optimizations: 'the gain of each optimization, with and without',
  faults: 'generations while services and the broker are killed; 50 cancels',
  simulate: 'schedules of the simulation',
  bottlenecks: 'whether the report of a run names the planted cause',
  tracing: 'analysis of long traces, predictions against real runs, the cost of tracing',
  media: 'CPU and tail of overlay and join against ffmpeg commands that do the same',
} as const;
export type Benchmark = keyof typeof BENCHMARKS;

export interface BenchArguments {
  readonly benchmarks: readonly Benchmark[];
  /** Number of schedules to simulate. */
  readonly schedules: number;
  /** The only schedule to replay. */
  readonly seed?: number;
}

/** Arguments of `bench`. Throws a `UsageError` or `HelpRequested`. */
export function parseBench(args: readonly string[]): BenchArguments {
  const names = Object.keys(BENCHMARKS) as Benchmark[];
  const width = Math.max(...names.map(({ length }) => length));
  const list = names.map((name) => `  ${name.padEnd(width)}  ${BENCHMARKS[name]}`).join('\n');
  const command = commandLine(
    'npm run bench --',
    'Runs benchmarks. The results go to deploy/bench/results and docs/benchmarks.md.',
  )
    .addArgument(new Argument('[benchmark...]', 'what to measure').choices(names).default(names, 'all'))
    .addOption(valueOption('--schedules <N>', 'number of schedules to simulate', whole(1)).default(100_000))
    .addOption(valueOption('--seed <N>', 'replays one schedule by its seed, and runs no benchmark', whole(1)))
    .addHelpText('after', `\nBenchmarks:\n${list}`);
  const values = readCommandLine<Omit<BenchArguments, 'benchmarks'>>(command, args);
  const [benchmarks] = command.processedArgs as [readonly Benchmark[]];
  return { ...values, benchmarks };
}
