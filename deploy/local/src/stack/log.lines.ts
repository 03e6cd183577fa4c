const LEVELS: Readonly<Record<string, string>> = {
  TRC: 'trace',
  DBG: 'debug',
  INF: 'info',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'fatal',
};
/** Format of nats-server: `[pid] 2026/01/31 12:00:00.000000 [INF] text`. */
const BROKER_LINE = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] +(.*)$/;

/** The log line for a line of a process's output: JSON unchanged, other text wrapped, so that every line is JSON. */
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

/** Splits text that arrives in chunks into lines. `end` emits the last line, which has no line break. */
export function lineSplitter(onLine: (line: string) => void): { add: (text: string) => void; end: () => void } {
  let rest = '';
  const emit = (line: string): void => {
    if (line.trim() !== '') onLine(line.replace(/\r$/, ''));
  };
  return {
    add: (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(emit);
    },
    end: () => {
      emit(rest);
      rest = '';
    },
  };
}
