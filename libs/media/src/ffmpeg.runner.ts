import { spawn, type ChildProcess } from 'node:child_process';
import { ATTR } from '@clipmesh/tracing';
import { type Stage } from '@clipmesh/contracts';
import { SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import createCommand, { type FfmpegCommand } from 'fluent-ffmpeg';
import { type FfmpegCall, type RunContext } from './media.types.js';
import { failureOf, tail, timemarkSeconds, type ProcessEnd } from './process-outcome.js';
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
type Finish = (end: Partial<ProcessEnd> | undefined) => void;

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

  /** Runs ffmpeg to its end. */
  async run(call: FfmpegCall, meta: RunMeta, context: RunContext): Promise<void> {
    await this.turns.run(context.signal, () => this.traced(meta, (span) => this.ffmpeg(call, meta, context, span)));
  }

  /** Runs a short ffmpeg or ffprobe query and returns its standard output. */
  query(tool: 'ffmpeg' | 'ffprobe', args: readonly string[], name: string, context: RunContext): Promise<string> {
    return this.turns.run(context.signal, () => this.traced({ name }, (span) => this.ask(tool, args, context, span)));
  }

  private traced<T>(meta: RunMeta, work: (span: Span) => Promise<T>): Promise<T> {
    const attributes = meta.stage === undefined ? {} : { [ATTR.stage]: meta.stage };
    return trace.getTracer('clipmesh.media').startActiveSpan(`ffmpeg ${meta.name}`, { attributes }, async (span) => {
      try {
        return await work(span);
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  /** Watches one process; `touch` says it made progress. Settles only when the process is gone. */
  private watch(
    child: ChildProcess,
    context: RunContext,
    span: Span,
  ): { touch: () => void; ended: Promise<Omit<ProcessEnd, 'tool' | 'stderr' | 'cause'>> } {
    let killed: ProcessEnd['killed'];
    const kill = (why: 'abort' | 'idle'): void => {
      killed ??= why;
      child.kill('SIGKILL');
    };
    const idle = setTimeout(() => {
      kill('idle');
    }, this.options.idleTimeoutMs);
    const abort = (): void => {
      kill('abort');
    };
    this.alive.add(child);
    context.signal.addEventListener('abort', abort, { once: true });
    if (context.signal.aborted) abort();
    const ended = new Promise<Omit<ProcessEnd, 'tool' | 'stderr' | 'cause'>>((resolve) => {
      const done = (code: number | null, signal: string | null): void => {
        clearTimeout(idle);
        context.signal.removeEventListener('abort', abort);
        this.alive.delete(child);
        if (code !== null) span.setAttribute('process.exit.code', code);
        resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, killed });
      };
      child.once('exit', done);
      child.once('error', () => {
        done(null, null);
      });
    });
    return {
      touch: () => {
        idle.refresh();
      },
      ended,
    };
  }

  private ffmpeg(call: FfmpegCall, meta: RunMeta, context: RunContext, span: Span): Promise<void> {
    return new Promise((resolve, reject) => {
      const command: FfmpegCommand & { ffmpegProc?: ChildProcess } = createCommand({ stdoutLines: 200 });
      command.setFfmpegPath(this.options.ffmpegPath);
      for (const input of call.inputs) {
        command.input(input.file);
        // Two or more arguments: fluent-ffmpeg splits a lone one at its space.
        if (input.options.length > 1) command.inputOptions(...input.options);
      }
      command.output(call.output).outputOptions('-nostdin', '-hide_banner', ...call.options);
      let watched: ReturnType<FfmpegRunner['watch']> | undefined;
      let mark = '';
      const finish: Finish = (failure) => {
        const settle = (end: Partial<ProcessEnd>): void => {
          if (failure === undefined && end.killed === undefined) resolve();
          else
            reject(
              failureOf({
                tool: 'ffmpeg',
                exitCode: undefined,
                signal: undefined,
                killed: undefined,
                stderr: '',
                cause: undefined,
                ...failure,
                ...end,
              }),
            );
        };
        if (watched === undefined) settle(context.signal.aborted ? { killed: 'abort' } : {});
        else void watched.ended.then(settle);
      };
      command.on('start', () => {
        if (command.ffmpegProc) watched = this.watch(command.ffmpegProc, context, span);
      });
      command.on('progress', (progress: { timemark?: string; frames?: number }) => {
        const now = `${progress.frames ?? 0} ${progress.timemark ?? ''}`;
        if (now === mark) return;
        mark = now;
        watched?.touch();
        const seconds = timemarkSeconds(progress.timemark ?? '');
        if (seconds !== undefined && meta.durationSeconds)
          context.onProgress?.(Math.min(1, seconds / meta.durationSeconds));
      });
      command.on('end', () => {
        finish(undefined);
      });
      command.on('error', (cause: Error, _out: string | null, stderr: string | null) => {
        finish({ stderr: stderr ?? cause.message, cause });
      });
      command.run();
    });
  }

  private async ask(
    tool: 'ffmpeg' | 'ffprobe',
    args: readonly string[],
    context: RunContext,
    span: Span,
  ): Promise<string> {
    const path = tool === 'ffmpeg' ? this.options.ffmpegPath : this.options.ffprobePath;
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let stderr = '';
    let cause: unknown;
    child.on('error', (error) => {
      cause = error;
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = tail(stderr + text);
    });
    const closed = new Promise<void>((resolve) =>
      child.once('close', () => {
        resolve();
      }),
    );
    const end = await this.watch(child, context, span).ended;
    if (end.exitCode === 0) {
      await closed;
      return output;
    }
    throw failureOf({ tool, ...end, stderr: stderr || (cause instanceof Error ? cause.message : ''), cause });
  }
}
