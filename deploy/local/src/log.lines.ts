const LEVELS: Readonly<Record<string, string>> = {
  TRC: 'trace',
  DBG: 'debug',
  INF: 'info',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'fatal',
};
/** nats-server's own form: `[pid] 2026/01/31 12:00:00.000000 [INF] text`. */
const BROKER_LINE = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] +(.*)$/;

/** A line of a process's output as it stands in the log: JSON as it is, anything else wrapped, so that every line is JSON. */
export function logLine(line: string, service: string, stream: 'stdout' | 'stderr', time: string): string {
  if (line.startsWith('{') && isJson(line)) return line;
  const [, tag = '', text = line] = BROKER_LINE.exec(line) ?? [];
  const level = LEVELS[tag] ?? (stream === 'stderr' ? 'warn' : 'info');
  return JSON.stringify({ level, time, service, msg: text.trimEnd() });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Cuts text that arrives in pieces into lines; `end` gives the last one, which no line break ended. */
export function lineSplitter(onLine: (line: string) => void): { add: (text: string) => void; end: () => void } {
  let rest = '';
  const tell = (line: string): void => {
    if (line.trim() !== '') onLine(line.replace(/\r$/, ''));
  };
  return {
    add: (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(tell);
    },
    end: () => {
      tell(rest);
      rest = '';
    },
  };
}
