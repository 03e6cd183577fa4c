import { describe, expect, it } from '@jest/globals';
import { durationMs, waitMs } from './wait.text.js';

const NOW = Date.parse('2026-11-29T12:00:00Z');

describe('a time to wait', () => {
  it.each<[string, number | undefined]>([
    ['2', 2000],
    ['0.5', 500],
    ['6m0s', 360_000],
    ['Sun, 29 Nov 2026 12:00:10 GMT', 10_000],
    ['Sun, 29 Nov 2026 11:59:50 GMT', -10_000],
    ['2026-11-29T12:00:07Z', 7000],
    [String(NOW / 1000 + 9), 9000],
    [String(NOW + 9000), 9000],
    ['', undefined],
    ['soon', undefined],
    ['-5', undefined],
    ['1 2', undefined],
  ])('%j is %s ms from now', (text, ms) => {
    expect(waitMs(text, NOW)).toBe(ms);
  });

  it.each<[string, number | undefined]>([
    ['120ms', 120],
    ['5.202s', 5202],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['2', undefined],
    ['2 s', undefined],
    ['2d', undefined],
  ])('the duration %j is %s ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });
});
