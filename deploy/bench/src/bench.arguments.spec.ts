import { HelpRequested, UsageError } from '@clipmesh/deploy-local/command.line';
import { describe, expect, it } from '@jest/globals';
import { parseBench } from './bench.arguments.js';

describe('arguments of bench', () => {
  it('runs every benchmark by default', () => {
    const { benchmarks, ...options } = parseBench([]);
    expect(benchmarks).toHaveLength(7);
    expect(options).toEqual({ schedules: 100_000 });
  });

  it('runs the named benchmarks in their order', () => {
    expect(parseBench(['tracing', 'parallel', '--schedules', '20'])).toEqual({
      benchmarks: ['tracing', 'parallel'],
      schedules: 20,
    });
  });

  it('replays a seed', () => {
    expect(parseBench(['--seed', '7'])).toMatchObject({ seed: 7 });
  });

  it('shows every option and benchmark with --help', () => {
    expect(() => parseBench(['--help'])).toThrow(HelpRequested);
    expect(() => parseBench(['--help'])).toThrow(
      /--schedules <N> .*default: 100000.*--seed <N> .*simulate +schedules/s,
    );
  });

  it.each([
    [['paralel'], /'paralel' is invalid .*; allowed choices are parallel, /],
    [['--sched', '3'], /^Unknown option '--sched'.*; the options are --schedules, --seed\.$/],
    [['--schedules', '0'], /^--schedules takes a whole number from 1 upwards\.$/],
    [['--seed', '1.5'], /^--seed takes a whole number/],
  ])('refuses %j', (args, message) => {
    expect(() => parseBench(args)).toThrow(UsageError);
    expect(() => parseBench(args)).toThrow(message);
  });
});
