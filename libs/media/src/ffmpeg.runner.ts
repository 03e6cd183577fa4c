import { type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { type Stage } from '@clipmesh/contracts';
import { ATTR, idleMs, thisHost, withSpan } from '@clipmesh/tracing';
import { type Span } from '@opentelemetry/api';
import { ffmpegArgs, NO_FILE } from './command-args.js';
import { type GuardedEnd, runGuarded } from './guarded.process.js';
import { type FfmpegCall, type RunContext } from './media.types.js';
import { parentDeathPrefix } from './parent-death.js';
import { cpuMsOf, failureOf, type ProcessEnd, probeFailureOf } from './process-outcome.js';
import { fractionOf, moved, type ProgressReport, readProgress } from './progress.parse.js';
import { Semaphore } from './semaphore.js';

export interface RunnerOptions {
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  readonly idleTimeoutMs: number;
  readonly maxProcesses: number;
}
export interface RunMeta {
  readonly name: string;
  readonly stage?: Stage;
  /** For the progress fraction. */
  readonly durationSeconds?: number;
}
type Tool = ProcessEnd['tool'];

const succeeded = (end: GuardedEnd): boolean => end.exitCode === 0 && end.killed === undefined;

/** Starts every ffmpeg and ffprobe process, knows which are alive, and ends each when its signal aborts or it stalls. */
export class FfmpegRunner {
  private readonly alive = new Set<ChildProcess>();
  private readonly turns: Semaphore;
  constructor(private readonly options: RunnerOptions) {
    this.turns = new Semaphore(options.maxProcesses);
  }

  /** Processes alive now. */
  running(): number {
    return this.alive.size;
  }

  /** Runs ffmpeg to its end. When that fails, nothing is left at the call's output. */
  async run(call: FfmpegCall, meta: RunMeta, context: RunContext): Promise<void> {
    await this.inTurn(meta, context, async (span) => {
      let rest = '';
      let latest: ProgressReport | undefined;
      const read = (text: string): boolean => {
        const progress = readProgress(rest, text);
        rest = progress.rest;
        const news = progress.reports.filter((report) => {
          const proof = moved(latest, report);
          latest = report;
          return proof;
        });
        const fraction = latest === undefined ? undefined : fractionOf(latest, meta.durationSeconds);
        if (news.length > 0 && fraction !== undefined) context.onProgress?.(fraction);
        return news.length > 0;
      };
      const end = await this.start('ffmpeg', ffmpegArgs(call), read, context, span);
      if (succeeded(end)) return;
      // Whatever is wrong with the folder, why ffmpeg failed is what the caller has to hear.
      if (call.output !== NO_FILE) await rm(call.output, { force: true }).catch(() => undefined);
      throw failureOf({ tool: 'ffmpeg', ...end });
    });
  }

  /** Runs a short ffmpeg or ffprobe query, which writes no file, and returns its standard output. */
  async query(tool: Tool, args: readonly string[], name: string, context: RunContext): Promise<string> {
    return this.inTurn({ name }, context, async (span) => {
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

  private inTurn<T>(meta: RunMeta, context: RunContext, work: (span: Span) => Promise<T>): Promise<T> {
    const attributes = meta.stage === undefined ? {} : { [ATTR.stage]: meta.stage };
    return this.turns.run(context.signal, () => withSpan('clipmesh.media', `ffmpeg ${meta.name}`, attributes, work));
  }

  private async start(
    tool: Tool,
    args: readonly string[],
    read: (text: string) => boolean,
    context: RunContext,
    span: Span,
  ): Promise<GuardedEnd> {
    const program = tool === 'ffmpeg' ? this.options.ffmpegPath : this.options.ffprobePath;
    const [file = program, ...rest] = [...(await parentDeathPrefix()), program, ...args];
    const { idleTimeoutMs } = this.options;
    const { id, cores } = thisHost();
    const idleBeforeMs = idleMs();
    const own = context.runSignal?.();
    const signal = own === undefined ? context.signal : AbortSignal.any([context.signal, own]);
    const end = await runGuarded(file, rest, { signal, idleTimeoutMs, alive: this.alive, read });
    if (end.exitCode !== undefined) span.setAttribute('process.exit.code', end.exitCode);
    if (end.signal !== undefined) span.setAttribute('process.exit.signal', end.signal);
    // ffmpeg says it to the microsecond, but only at a regular end; ffprobe never does.
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
    return end;
  }
}
