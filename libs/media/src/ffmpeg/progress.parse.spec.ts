import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fractionOf, hasProgressed, type ProgressReport, readProgress } from './progress.parse.js';

const block = (frame: number, timeUs: string, size: number, end = false): string =>
  `frame=${frame}\nfps=24.0\nout_time_us=${timeUs}\ntotal_size=${size}\nspeed=1x\nprogress=${end ? 'end' : 'continue'}\n`;
const STREAM = block(0, 'N/A', 0) + block(24, '1000000', 4000) + block(48, '2000000', 9000, true);
const report = (more: Partial<ProgressReport>): ProgressReport => ({
  frame: 1,
  seconds: 1,
  bytes: 1,
  last: false,
  ...more,
});

describe('the progress of ffmpeg', () => {
  it('is read the same from any chunks', () => {
    const whole = readProgress('', STREAM).reports;
    expect(whole).toEqual([
      { frame: 0, seconds: undefined, bytes: 0, last: false },
      { frame: 24, seconds: 1, bytes: 4000, last: false },
      { frame: 48, seconds: 2, bytes: 9000, last: true },
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        let rest = '';
        const reports = at.slice(1).flatMap((to, index) => {
          const read = readProgress(rest, STREAM.slice(at[index], to));
          rest = read.rest;
          return read.reports;
        });
        expect(reports).toEqual(whole);
        expect(rest).toBe('');
      }),
    );
  });

  it('has a size limit for an unfinished block', () => {
    expect(readProgress('', 'x'.repeat(100_000)).rest.length).toBeLessThanOrEqual(8192);
  });

  it.each<[string, string, number | undefined]>([
    ['N/A', 'N/A', undefined],
    ['the smallest number', '-9223372036854775808', undefined],
    ['a start before zero', '-21333', 0],
    ['a second and a half', '1500000', 1.5],
  ])('reads a time of %s', (_name, text, seconds) => {
    expect(readProgress('', block(1, text, 1)).reports[0]?.seconds).toBe(seconds);
  });

  it.each<[string, Partial<ProgressReport>, boolean]>([
    ['nothing', {}, false],
    ['a frame', { frame: 2 }, true],
    ['a time', { seconds: 2 }, true],
    ['bytes', { bytes: 2 }, true],
    ['the end', { last: true }, true],
  ])('shows activity by %s', (_name, more, isActive) => {
    expect(hasProgressed(report({}), report(more))).toBe(isActive);
  });

  it('starts with the first report, and is a fraction of the video', () => {
    expect(hasProgressed(undefined, report({}))).toBe(true);
    expect(fractionOf(report({ seconds: 3 }), 4)).toBe(0.75);
    expect(fractionOf(report({ seconds: 5 }), 4)).toBe(1);
    expect(fractionOf(report({ seconds: undefined }), 4)).toBeUndefined();
    expect(fractionOf(report({}), 0)).toBeUndefined();
  });
});
