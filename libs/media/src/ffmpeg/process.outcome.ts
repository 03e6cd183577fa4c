import { ClipmeshError, cutStart, type FailureCode } from '@clipmesh/contracts';

/** The end of a process, as observed by the runner. */
export interface ProcessEnd {
  readonly tool: 'ffmpeg' | 'ffprobe';
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why the runner killed it; undefined when it did not. */
  readonly killed: 'abort' | 'idle' | undefined;
  readonly stderr: string;
  /** The error of a failed start; undefined when it was started. */
  readonly cause: unknown;
  /** Its arguments. Paths among them are removed from the error. Default: none. */
  readonly args?: readonly string[];
}
interface FailureReason {
  readonly code: FailureCode;
  readonly what: string;
  /** The system is the cause, never the media. Default: false. */
  readonly isSystemFailure?: boolean;
}

/** A failure of ffmpeg or ffprobe. */
export class ProcessError extends ClipmeshError {
  constructor(
    code: FailureCode,
    message: string,
    /** Whether the system is the cause, for example a full disk or a kill by the system. False: the media may be the cause. */
    readonly isSystemFailure: boolean,
    cause: unknown,
  ) {
    super(code, message, cause === undefined ? {} : { cause });
  }
}

const MESSAGE_LIMIT = 4096;
/** The limit of the decoders, which says "get_buffer() failed" too. */
const TOO_LARGE = /exceeds specified max pixel count/u;
const NO_MEMORY =
  /cannot allocate memory|get_buffer\(\) failed|malloc of size \d+ failed|std::bad_alloc|failed to map segment/iu;

/** The failure reason by the standard error of a process. The first matching row decides. */
const STDERR_REASONS: readonly (FailureReason & { readonly pattern: RegExp })[] = [
  { pattern: NO_MEMORY, code: 'OUT_OF_MEMORY', what: 'ran out of memory' },
  // All paths are our own working files, so the media is not the cause, and a retry creates the file again.
  {
    pattern: /no such file or directory/iu,
    code: 'INTERNAL',
    what: 'did not find a working file',
    isSystemFailure: true,
  },
  {
    pattern: /no space left on device|disk quota exceeded/iu,
    code: 'STORE_UNAVAILABLE',
    what: 'found no space left on the disk',
    isSystemFailure: true,
  },
  {
    pattern: /permission denied|read-only file system|too many open files|resource temporarily unavailable/iu,
    code: 'FFMPEG_FAILED',
    what: 'was refused by the system',
    isSystemFailure: true,
  },
  {
    pattern:
      /invalid data found when processing input|moov atom not found|matches no streams|does not contain any stream|could not find codec parameters|format not on whitelist|is a directory/iu,
    code: 'MEDIA_INVALID',
    what: 'cannot read the media',
  },
];

/** Exit codes of the shell convention, which ffmpeg itself does not use. */
const EXIT_CODE_REASONS: Readonly<Record<number, FailureReason>> = {
  126: { code: 'INTERNAL', what: 'could not be started', isSystemFailure: true },
  127: { code: 'INTERNAL', what: 'could not be started', isSystemFailure: true },
  137: { code: 'OUT_OF_MEMORY', what: 'was killed by the system', isSystemFailure: true },
};
const KILL_REASONS = {
  abort: { code: 'CANCELED', what: 'was killed because the work was canceled', isSystemFailure: true },
  idle: { code: 'FFMPEG_STALLED', what: 'made no progress and was killed' },
} as const satisfies Record<'abort' | 'idle', FailureReason>;

function errorCode(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}

function reasonOf(end: ProcessEnd, errorText: string): FailureReason | undefined {
  if (end.killed !== undefined) return KILL_REASONS[end.killed];
  if (errorCode(end.cause) === 'ENOMEM')
    return { code: 'OUT_OF_MEMORY', what: 'ran out of memory', isSystemFailure: true };
  if (end.cause !== undefined) return { code: 'INTERNAL', what: 'could not be started', isSystemFailure: true };
  if (end.signal === 'SIGKILL')
    return { code: 'OUT_OF_MEMORY', what: 'was killed by the system', isSystemFailure: true };
  if (TOO_LARGE.test(errorText)) return { code: 'MEDIA_INVALID', what: 'decodes no picture of this size' };
  if (NO_MEMORY.test(errorText)) return { code: 'OUT_OF_MEMORY', what: 'ran out of memory' };
  return (
    (end.exitCode === undefined ? undefined : EXIT_CODE_REASONS[end.exitCode]) ??
    STDERR_REASONS.find(({ pattern }) => pattern.test(errorText))
  );
}

function errorOf(
  end: ProcessEnd,
  { code, what, isSystemFailure = false }: FailureReason,
  errorText: string,
): ProcessError {
  const detail = errorText === '' && end.cause instanceof Error ? end.cause.message : errorText;
  const text = detail === '' || end.killed !== undefined ? '' : `: ${detail}`;
  return new ProcessError(code, `${end.tool} ${what}${text}`, isSystemFailure, end.cause);
}

function unknownReason(end: ProcessEnd): FailureReason {
  const how = end.signal ?? (end.exitCode === undefined ? 'no exit code' : `exit code ${end.exitCode}`);
  return { code: 'FFMPEG_FAILED', what: `failed (${how})` };
}

/** The error of a failed process. */
export function failureOf(end: ProcessEnd): ProcessError {
  const errorText = withoutPaths(errorLines(end.stderr), end.args);
  return errorOf(end, reasonOf(end, errorText) ?? unknownReason(end), errorText);
}

/** Like {@link failureOf}, for a process that only reads one file: without another reason, the file is invalid. */
export function probeFailureOf(end: ProcessEnd): ProcessError {
  const errorText = withoutPaths(errorLines(end.stderr), end.args);
  const fileReason: FailureReason =
    end.exitCode === undefined ? unknownReason(end) : { code: 'MEDIA_INVALID', what: 'cannot read the media' };
  return errorOf(end, reasonOf(end, errorText) ?? fileReason, errorText);
}

/** An absolute path of at least two parts. */
const PATH = /(?<![\w/])(?:\/[^\s/:'"]+){2,}/gu;

/** Replaces paths, which say nothing to the reader of an error and where the system works. */
function withoutPaths(errorText: string, args: readonly string[] = []): string {
  return args
    .filter((arg) => arg.startsWith('/') && arg.length > 1)
    .reduce((text, arg) => text.replaceAll(arg, 'the file'), errorText)
    .replace(PATH, 'the file');
}

/** The last 4 kB of the warnings and errors of a process that logs with `-loglevel level+…`, without the addresses of its contexts. */
export function errorLines(stderr: string): string {
  const errorText = stderr
    .split(/\r?\n/u)
    .filter((line) => line !== '' && !/^(?:\[[^\]]* @ [^\]]*\] )*\[(?:info|verbose|debug|trace)\] /u.test(line))
    .map((line) => line.replace(/^((?:\[[^\]]* @ [^\]]*\] )*)\[(?:panic|fatal|error|warning)\] /u, '$1'))
    .map((line) => line.replace(/ @ 0x[\da-f]+\]/giu, ']'))
    .join('\n')
    .trim();
  return cutStart(errorText, MESSAGE_LIMIT);
}

/** User and system CPU time that `-benchmark` prints at the end, ms; undefined when it is missing. */
export function cpuMsOf(stderr: string): number | undefined {
  const match = /\bbench: utime=(\d+(?:\.\d+)?)s stime=(\d+(?:\.\d+)?)s/u.exec(stderr);
  return match ? Math.round((Number(match[1]) + Number(match[2])) * 1000) : undefined;
}
