import { describe, expect, it } from '@jest/globals';
import { lineSplitter, logLine } from './log.lines.js';

const TIME = '2026-01-31T12:00:00.000Z';
const wrapped = (level: string, msg: string): unknown => ({ level, time: TIME, service: 'nats', msg });

describe('log lines', () => {
  it.each([
    ['[77] 2026/01/31 12:00:00.000001 [INF] Server is ready', 'stderr', wrapped('info', 'Server is ready')],
    ['[77] 2026/01/31 12:00:00.000001 [ERR] disk is full', 'stderr', wrapped('error', 'disk is full')],
    ['(node:7) Warning: something', 'stderr', wrapped('warn', '(node:7) Warning: something')],
    ['plain words', 'stdout', wrapped('info', 'plain words')],
    ['{ not json', 'stdout', wrapped('info', '{ not json')],
  ] as const)('%s', (line, stream, expected) => {
    expect(JSON.parse(logLine(line, 'nats', stream, TIME))).toEqual(expected);
  });

  it('leaves JSON unchanged', () => {
    const line = '{"level":"info","msg":"ready"}';
    expect(logLine(line, 'overlay', 'stdout', TIME)).toBe(line);
  });

  it('joins lines that arrive in chunks', () => {
    const lines: string[] = [];
    const splitter = lineSplitter((line) => lines.push(line));
    for (const piece of ['one', ' line\nan', 'other\r\n\nlast']) splitter.add(piece);
    expect(lines).toEqual(['one line', 'another']);
    splitter.end();
    expect(lines).toEqual(['one line', 'another', 'last']);
  });
});
