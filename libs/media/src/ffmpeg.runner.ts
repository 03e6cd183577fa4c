import { ClipmeshError, type Stage } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import ffmpeg from 'fluent-ffmpeg';

export interface RunContext {
  readonly signal: AbortSignal;
  /** 0-1, where the length is known. */
  readonly onProgress?: (fraction: number) => void;
}

export interface RunnerOptions {
  readonly ffmpegPath?: string;
  readonly ffprobePath?: string;
  /** Processes alive at once; others wait. */
  readonly maxProcesses: number;
  /** A process without progress for this long is ended, ms. */
  readonly idleTimeoutMs: number;
}

/** One ffmpeg run as data: arguments only, never a shell string. */
export interface FfmpegJob {
  readonly name: string;
  readonly stage: Stage;
  readonly inputs: readonly { readonly source: string; readonly options?: readonly string[] }[];
  readonly outputOptions: readonly string[];
  readonly output: string;
  /** Length of the output, seconds, for the progress. */
  readonly durationSeconds?: number;
}

/** Last part of ffmpeg's words that an error keeps, characters. */
const STDERR_TAIL = 4000;
const UNREADABLE = /Invalid data found|moov atom not found|could not find codec parameters|does not contain any stream|matches no streams/i;

/** The one door to ffmpeg: counts, aborts and watches every process. */
export class FfmpegRunner {
  private readonly alive = new Set<ffmpeg.FfmpegCommand>();
  private readonly waiting: (() => void)[] = [];
  private taken = 0;

  constructor(private readonly options: RunnerOptions) {}

  running(): number {
    return this.alive.size;
  }

  /** Runs to the end and returns what ffmpeg wrote to stderr. Throws CANCELED, FFMPEG_STALLED, OUT_OF_MEMORY, MEDIA_INVALID or FFMPEG_FAILED. */
  async run(job: FfmpegJob, context: RunContext): Promise<string> {
    return withSpan('clipmesh.media', `ffmpeg ${job.name}`, { [ATTR.stage]: job.stage, 'process.executable.name': 'ffmpeg' }, async () => {
      await this.acquire(context.signal);
      try {
        return await this.spawn(job, context);
      } finally {
        this.release();
      }
    });
  }

  private async acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.taken < this.options.maxProcesses) {
      this.taken += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        const place = this.waiting.indexOf(turn);
        if (place >= 0) this.waiting.splice(place, 1);
        reject(canceled(signal));
      };
      this.waiting.push(turn);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** The place goes straight to the next in line. */
  private release(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.taken -= 1;
    else next();
  }

  private spawn(job: FfmpegJob, { signal, onProgress }: RunContext): Promise<string> {
    const { ffmpegPath, idleTimeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      const command = ffmpeg({ stdoutLines: 0 });
      if (ffmpegPath !== undefined) command.setFfmpegPath(ffmpegPath);
      for (const { source, options } of job.inputs) {
        command.input(source);
        if (options !== undefined) command.inputOptions([...options]);
      }
      command.outputOptions([...job.outputOptions]).output(job.output);
      let tail = '';
      let stalled = false;
      let watch: NodeJS.Timeout | undefined;
      const alive = (): void => {
        clearTimeout(watch);
        watch = setTimeout(() => {
          stalled = true;
          command.kill('SIGKILL');
        }, idleTimeoutMs);
      };
      const abort = (): void => {
        command.kill('SIGKILL');
      };
      const finish = (): void => {
        clearTimeout(watch);
        signal.removeEventListener('abort', abort);
        this.alive.delete(command);
      };
      command
        .on('start', () => {
          if (signal.aborted) abort();
        })
        .on('stderr', (line: string) => {
          alive();
          tail = `${tail}${line}\n`.slice(-STDERR_TAIL);
        })
        .on('progress', ({ timemark }: { timemark?: string }) => {
          alive();
          if (job.durationSeconds !== undefined && timemark !== undefined) onProgress?.(Math.min(1, secondsOf(timemark) / job.durationSeconds));
        })
        .on('end', () => {
          finish();
          resolve(tail);
        })
        .on('error', (error: Error) => {
          finish();
          reject(signal.aborted ? canceled(signal) : failureOf(job, error, tail, stalled));
        });
      this.alive.add(command);
      signal.addEventListener('abort', abort, { once: true });
      alive();
      command.run();
    });
  }
}

/** `HH:MM:SS.cc` in seconds. */
export function secondsOf(timemark: string): number {
  return timemark.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

function canceled(signal: AbortSignal): ClipmeshError {
  return new ClipmeshError('CANCELED', 'ffmpeg was stopped', { cause: signal.reason });
}

function failureOf(job: FfmpegJob, error: Error, tail: string, stalled: boolean): ClipmeshError {
  const words = `ffmpeg ${job.name}: ${error.message}\n${tail}`.slice(-STDERR_TAIL);
  if (stalled) return new ClipmeshError('FFMPEG_STALLED', words, { cause: error });
  if (/SIGKILL/.test(error.message)) return new ClipmeshError('OUT_OF_MEMORY', words, { cause: error });
  if (UNREADABLE.test(tail)) return new ClipmeshError('MEDIA_INVALID', words, { cause: error });
  return new ClipmeshError('FFMPEG_FAILED', words, { cause: error });
}
