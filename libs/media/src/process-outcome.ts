import { ClipmeshError } from '@clipmesh/contracts';

/** How a process ended, as the runner saw it. */
export interface ProcessEnd {
  readonly tool: 'ffmpeg' | 'ffprobe';
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Why we killed it, if we did. */
  readonly killed: 'abort' | 'idle' | undefined;
  readonly stderr: string;
  readonly cause: unknown;
}

const STDERR_LIMIT = 4096;
const UNREADABLE =
  /Invalid data found when processing input|moov atom not found|No such file or directory|matches no streams|does not contain any stream|could not find codec parameters/iu;

/** The last 4 kB of a process's errors. */
export function tail(text: string): string {
  return text.length > STDERR_LIMIT ? text.slice(-STDERR_LIMIT) : text;
}

/** The error a failed process stands for. */
export function failureOf(end: ProcessEnd): ClipmeshError {
  const options = end.cause === undefined ? {} : { cause: end.cause };
  if (end.killed === 'abort')
    return new ClipmeshError('CANCELED', `${end.tool} was ended because the work was canceled`, options);
  if (end.killed === 'idle')
    return new ClipmeshError('FFMPEG_STALLED', `${end.tool} made no progress and was ended`, options);
  const last = tail(end.stderr).trim();
  if (end.signal === 'SIGKILL')
    return new ClipmeshError('OUT_OF_MEMORY', `${end.tool} was killed by the system`, options);
  if (UNREADABLE.test(last)) return new ClipmeshError('MEDIA_INVALID', `unreadable media: ${last}`, options);
  const how = end.signal ?? (end.exitCode === undefined ? 'no exit code' : `exit code ${end.exitCode}`);
  return new ClipmeshError('FFMPEG_FAILED', `${end.tool} failed (${how}): ${last}`, options);
}

/** `HH:MM:SS.ss` as seconds; undefined for anything else. */
export function timemarkSeconds(timemark: string): number | undefined {
  const match = /^(\d+):(\d+):(\d+(?:\.\d+)?)$/u.exec(timemark);
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : undefined;
}
