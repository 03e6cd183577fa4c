/** One block of `key=value` lines that ffmpeg prints with `-progress`. */
export interface ProgressReport {
  readonly frame: number;
  /** Seconds of output written; undefined while unknown. */
  readonly seconds: number | undefined;
  readonly bytes: number;
  /** The last report of this process. */
  readonly last: boolean;
}
export interface ProgressRead {
  readonly reports: readonly ProgressReport[];
  /** Text of the incomplete block. Pass it to the next call. */
  readonly rest: string;
}

const BLOCK_END = /^progress=(continue|end)[ \t]*\r?\n/mu;
/** Larger than any block. Limits the memory for a stream that never ends one, characters. */
const REST_LIMIT = 8192;

function reportOf(block: string, last: boolean): ProgressReport {
  const values = new Map(
    block.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()] as const;
    }),
  );
  const count = (key: string): number => {
    const value = values.get(key) ?? '';
    return /^\d+$/u.test(value) ? Number(value) : 0;
  };
  // Before its first packet ffmpeg writes N/A or the smallest 64-bit number. A video that starts before 0 has a small negative one.
  const time = /^-?\d{1,15}$/u.exec(values.get('out_time_us') ?? '')?.[0];
  return {
    frame: count('frame'),
    seconds: time === undefined ? undefined : Math.max(0, Number(time) / 1e6),
    bytes: count('total_size'),
    last,
  };
}

/** Reads the next chunk of a `-progress` stream. */
export function readProgress(rest: string, piece: string): ProgressRead {
  let text = rest + piece;
  const reports: ProgressReport[] = [];
  for (let end = BLOCK_END.exec(text); end !== null; end = BLOCK_END.exec(text)) {
    reports.push(reportOf(text.slice(0, end.index), end[1] === 'end'));
    text = text.slice(end.index + end[0].length);
  }
  return { reports, rest: text.slice(-REST_LIMIT) };
}

/** Whether ffmpeg decoded, encoded or wrote anything between two reports. */
export function hasProgressed(before: ProgressReport | undefined, now: ProgressReport): boolean {
  return (
    before === undefined ||
    now.last ||
    now.frame !== before.frame ||
    now.seconds !== before.seconds ||
    now.bytes !== before.bytes
  );
}

/** The fraction of the output that is written, 0-1; undefined while unknown. */
export function fractionOf(report: ProgressReport, durationSeconds: number | undefined): number | undefined {
  if (report.seconds === undefined || durationSeconds === undefined || durationSeconds <= 0) return undefined;
  return Math.min(1, report.seconds / durationSeconds);
}
