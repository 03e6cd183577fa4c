import { ClipmeshError, cutStart, type FailureCode } from '@clipmesh/contracts';

/** How a process ended, as the runner saw it. */
export interface ProcessEnd {
  readonly tool: 'ffmpeg' | 'ffprobe';
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why we killed it, if we did. */
  readonly killed: 'abort' | 'idle' | undefined;
  readonly stderr: string;
  /** Why the system could not start it, if it could not. */
  readonly cause: unknown;
}
interface Verdict {
  readonly code: FailureCode;
  readonly what: string;
  /** Only the machine can be the reason, never the media. Default: false. */
  readonly ofMachine?: boolean;
}

/** How ffmpeg or ffprobe failed. */
export class ProcessError extends ClipmeshError {
  constructor(
    code: FailureCode,
    message: string,
    /** Whether the machine is the reason, for example a full disk or a kill by the system. False: the media may be. */
    readonly isOfMachine: boolean,
    cause: unknown,
  ) {
    super(code, message, cause === undefined ? {} : { cause });
  }
}

const MESSAGE_LIMIT = 4096;
const NO_MEMORY = /cannot allocate memory|malloc of size \d+ failed|std::bad_alloc|failed to map segment/iu;

/** What the words of a failed process mean; the first row that matches decides. */
const WORDS: readonly (Verdict & { readonly pattern: RegExp })[] = [
  { pattern: NO_MEMORY, code: 'OUT_OF_MEMORY', what: 'ran out of memory' },
  // Every path is ours, a working file or a stored one that was laid ready: the media is not at fault, and trying again lays it anew.
  { pattern: /no such file or directory/iu, code: 'INTERNAL', what: 'missed a working file', ofMachine: true },
  {
    pattern: /no space left on device|disk quota exceeded/iu,
    code: 'STORE_UNAVAILABLE',
    what: 'found the disk full',
    ofMachine: true,
  },
  {
    pattern: /permission denied|read-only file system|too many open files|resource temporarily unavailable/iu,
    code: 'FFMPEG_FAILED',
    what: 'was refused by the system',
    ofMachine: true,
  },
  {
    pattern:
      /invalid data found when processing input|moov atom not found|matches no streams|does not contain any stream|could not find codec parameters|format not on whitelist|is a directory/iu,
    code: 'MEDIA_INVALID',
    what: 'cannot read the media',
  },
];

/** What the shell convention says of an exit code that no ffmpeg gives itself. */
const EXIT_CODES: Readonly<Record<number, Verdict>> = {
  126: { code: 'INTERNAL', what: 'could not be started', ofMachine: true },
  127: { code: 'INTERNAL', what: 'could not be started', ofMachine: true },
  137: { code: 'OUT_OF_MEMORY', what: 'was killed by the system', ofMachine: true },
};
const KILLED = {
  abort: { code: 'CANCELED', what: 'was ended because the work was canceled', ofMachine: true },
  idle: { code: 'FFMPEG_STALLED', what: 'made no progress and was ended' },
} as const satisfies Record<'abort' | 'idle', Verdict>;

function errorCode(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}

function verdictOf(end: ProcessEnd, said: string): Verdict | undefined {
  if (end.killed !== undefined) return KILLED[end.killed];
  if (errorCode(end.cause) === 'ENOMEM') return { code: 'OUT_OF_MEMORY', what: 'ran out of memory', ofMachine: true };
  if (end.cause !== undefined) return { code: 'INTERNAL', what: 'could not be started', ofMachine: true };
  if (end.signal === 'SIGKILL') return { code: 'OUT_OF_MEMORY', what: 'was killed by the system', ofMachine: true };
  if (NO_MEMORY.test(said)) return { code: 'OUT_OF_MEMORY', what: 'ran out of memory' };
  return (
    (end.exitCode === undefined ? undefined : EXIT_CODES[end.exitCode]) ??
    WORDS.find(({ pattern }) => pattern.test(said))
  );
}

function errorOf(end: ProcessEnd, { code, what, ofMachine = false }: Verdict, said: string): ProcessError {
  const words = said === '' && end.cause instanceof Error ? end.cause.message : said;
  const text = words === '' || end.killed !== undefined ? '' : `: ${words}`;
  return new ProcessError(code, `${end.tool} ${what}${text}`, ofMachine, end.cause);
}

function unknown(end: ProcessEnd): Verdict {
  const how = end.signal ?? (end.exitCode === undefined ? 'no exit code' : `exit code ${end.exitCode}`);
  return { code: 'FFMPEG_FAILED', what: `failed (${how})` };
}

/** The error a failed process stands for. */
export function failureOf(end: ProcessEnd): ProcessError {
  const said = errorLines(end.stderr);
  return errorOf(end, verdictOf(end, said) ?? unknown(end), said);
}

/** The same for a process that only read one file: where nothing else explains its refusal, the file does. */
export function probeFailureOf(end: ProcessEnd): ProcessError {
  const said = errorLines(end.stderr);
  const refused: Verdict =
    end.exitCode === undefined ? unknown(end) : { code: 'MEDIA_INVALID', what: 'cannot read the media' };
  return errorOf(end, verdictOf(end, said) ?? refused, said);
}

/** What a process that logs with `-loglevel level+…` says from warnings upwards: its last 4 kB. */
export function errorLines(stderr: string): string {
  const said = stderr
    .split(/\r?\n/u)
    .filter((line) => line !== '' && !/^(?:\[[^\]]* @ [^\]]*\] )*\[(?:info|verbose|debug|trace)\] /u.test(line))
    .map((line) => line.replace(/^((?:\[[^\]]* @ [^\]]*\] )*)\[(?:panic|fatal|error|warning)\] /u, '$1'))
    .join('\n')
    .trim();
  return cutStart(said, MESSAGE_LIMIT);
}

/** User and system CPU time, ms, as `-benchmark` tells it at the end; undefined when it did not come so far. */
export function cpuMsOf(stderr: string): number | undefined {
  const match = /\bbench: utime=(\d+(?:\.\d+)?)s stime=(\d+(?:\.\d+)?)s/u.exec(stderr);
  return match ? Math.round((Number(match[1]) + Number(match[2])) * 1000) : undefined;
}
