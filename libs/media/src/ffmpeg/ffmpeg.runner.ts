import { type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { Semaphore, type Stage } from '@clipmesh/contracts';
import { ATTR, idleMs, thisHost, withSpan } from '@clipmesh/tracing';
import { type Span } from '@opentelemetry/api';
import { ffmpegArgs, NO_FILE } from '../commands/command.args.js';
import { commandPrefix } from './command.prefix.js';
import { type GuardedEnd, runGuarded } from './guarded.process.js';
import { type FfmpegCall, type RunContext } from '../commands/media.types.js';
import { cpuMsOf, failureOf, type ProcessEnd, probeFailureOf } from './process.outcome.js';
import { fractionOf, hasProgressed, type ProgressReport, readProgress } from './progress.parse.js';

export interface RunnerOptions {
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  readonly idleTimeoutMs: number;
  readonly maxProcesses: number;
  /** Private memory of one process, MB. Default: no limit. */
  readonly memoryMb?: number;
}
export interface RunMeta {
  readonly name: string;
  readonly stage?: Stage;
  /** Output duration, for the progress fraction. Default: no progress reports. */
  readonly durationSeconds?: number;
  /** Receives the log in pieces. Default: nobody. */
  readonly onLog?: (text: string) => void;
}
type Tool = ProcessEnd['tool'];

const succeeded = (end: GuardedEnd): boolean => end.exitCode === 0 && end.killed === undefined;

/** Runs and tracks all ffmpeg and ffprobe processes. Kills a process when its signal aborts or it makes no progress. */
export class FfmpegRunner {
  private readonly alive = new Set<ChildProcess>();
  private readonly slots: Semaphore;
  constructor(private readonly options: RunnerOptions) {
    this.slots = new Semaphore(options.maxProcesses);
  }

  /** Number of running processes. */
  running(): number {
    return this.alive.size;
  }

  /** Runs ffmpeg to its end. Resolves with the number of frames it wrote. Removes the call's output on failure. Throws `ProcessError`. */
  async run(call: FfmpegCall, meta: RunMeta, context: RunContext): Promise<number> {
    return this.withSlot(meta, context, async (span) => {
      let rest = '';
      let latest: ProgressReport | undefined;
      const read = (text: string): boolean => {
        const progress = readProgress(rest, text);
        rest = progress.rest;
        const newReports = progress.reports.filter((report) => {
          const isProgress = hasProgressed(latest, report);
          latest = report;
          return isProgress;
        });
        const fraction = latest === undefined ? undefined : fractionOf(latest, meta.durationSeconds);
        if (newReports.length > 0 && fraction !== undefined) context.onProgress?.(fraction);
        return newReports.length > 0;
      };
      const end = await this.start('ffmpeg', ffmpegArgs(call), read, context, span, meta.onLog);
      const frames = latest?.frame ?? 0;
      span.setAttribute(ATTR.frames, frames);
      if (succeeded(end)) return frames;
      // An error of the removal must not hide the failure of ffmpeg.
      if (call.output !== NO_FILE) await rm(call.output, { force: true }).catch(() => undefined);
      throw failureOf({ tool: 'ffmpeg', ...end });
    });
  }

  /** Runs a short ffmpeg or ffprobe query that writes no file. Resolves with its standard output. Throws `ProcessError`. */
  async query(tool: Tool, args: readonly string[], name: string, context: RunContext): Promise<string> {
    return this.withSlot({ name }, context, async (span) => {
      let output = '';
      const read = (text: string): boolean => {
        output += text;
        return true;
      };
      const end = await this.start(tool, args, read, context, span);
      if (succeeded(end)) return output;
      throw probeFailureOf({ tool, ...end });
    });
  }

  private withSlot<T>(meta: RunMeta, context: RunContext, work: (span: Span) => Promise<T>): Promise<T> {
    const attributes = meta.stage === undefined ? {} : { [ATTR.stage]: meta.stage };
    return this.slots.run(context.signal, () => withSpan('clipmesh.media', `ffmpeg ${meta.name}`, attributes, work));
  }

  private async start(
    tool: Tool,
    args: readonly string[],
    read: (text: string) => boolean,
    context: RunContext,
    span: Span,
    onLog?: (text: string) => void,
  ): Promise<GuardedEnd> {
    const program = tool === 'ffmpeg' ? this.options.ffmpegPath : this.options.ffprobePath;
    const [file = program, ...rest] = [...(await commandPrefix(this.options.memoryMb)), program, ...args];
    const { idleTimeoutMs } = this.options;
    const { id, cores } = thisHost();
    const idleBeforeMs = idleMs();
    const own = context.runSignal?.();
    const signal = own === undefined ? context.signal : AbortSignal.any([context.signal, own]);
    const end = await runGuarded(file, rest, { signal, idleTimeoutMs, alive: this.alive, read, onLog });
    if (end.exitCode !== undefined) span.setAttribute('process.exit.code', end.exitCode);
    if (end.signal !== undefined) span.setAttribute('process.exit.signal', end.signal);
    // ffmpeg reports CPU time to the microsecond, but only at a regular exit; ffprobe never does.
    const cpuMs = cpuMsOf(end.stderr) ?? end.cpuMs;
    if (cpuMs !== undefined) {
      span.setAttributes({
        [ATTR.cpuMs]: cpuMs,
        [ATTR.hostId]: id,
        [ATTR.hostCores]: cores,
        [ATTR.hostIdleBeforeMs]: idleBeforeMs,
        [ATTR.hostIdleAfterMs]: idleMs(),
      });
    }
    return { ...end, args };
  }
}
