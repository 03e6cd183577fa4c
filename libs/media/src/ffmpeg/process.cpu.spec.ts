import { describe, expect, it } from '@jest/globals';
import { cpuMsOfProcess, cpuMsOfStat } from './process.cpu.js';

const stat = (name: string, times: string): string =>
  `4711 (${name}) Z 1 4711 4711 0 -1 4227084 0 0 0 0 ${times} 20 0 1 0 123 0 0 18446744073709551615\n`;

describe('the CPU time of a process', () => {
  it.each<[string, string, number | undefined]>([
    ['is its own user and system time', stat('ffmpeg', '120 3 0 0'), 1230],
    ['includes its children', stat('sh', '0 1 200 4'), 2050],
    ['is 0 at the start', stat('ffmpeg', '0 0 0 0'), 0],
    ['is read after a name that looks like fields', stat('a) Z 1 2 (b', '5 5 0 0'), 100],
    ['is undefined for an empty text', '', undefined],
    ['is undefined for a truncated text', '4711 (ffmpeg) Z 1 4711', undefined],
    ['is undefined for invalid numbers', stat('ffmpeg', 'x 1 0 0'), undefined],
    ['is undefined for a negative time', stat('ffmpeg', '-1 1 0 0'), undefined],
  ])('%s', (_name, text, expected) => {
    expect(cpuMsOfStat(text)).toBe(expected);
  });
  it('is undefined for a process that does not exist', () => {
    expect(cpuMsOfProcess(-1)).toBeUndefined();
  });
});
