import { describe, expect, it } from '@jest/globals';
import { createGenerationSchema } from '@clipmesh/contracts';
import { buildJob } from '../generations/job.builder.js';
import { parseDays } from './money.view.js';

const now = new Date('2026-02-15T23:59:59.999Z');

describe('the days of a usage query', () => {
  it.each<[{ from?: unknown; to?: unknown }, string, string]>([
    [{}, '2026-02-01', '2026-02-28'],
    [{ from: '2025-12-31' }, '2025-12-31', '2026-02-28'],
    [{ from: '2026-02-20' }, '2026-02-20', '2026-02-28'],
    [{ from: '2026-04-03' }, '2026-04-03', '2026-04-30'],
    [{ to: '2026-02-10' }, '2026-02-01', '2026-02-10'],
    [{ to: '2025-11-10' }, '2025-11-01', '2025-11-10'],
    [{ from: '2024-02-29', to: '2024-02-29' }, '2024-02-29', '2024-02-29'],
    [{ from: '2024-01-01', to: '2024-12-31' }, '2024-01-01', '2024-12-31'],
  ])('for %j are %s to %s', (given, from, to) => {
    expect(parseDays(given, now)).toEqual({ from, to });
  });

  it.each<[string, { from?: unknown; to?: unknown }, string]>([
    ['not a leap year', { from: '2026-02-29' }, 'from'],
    ['a time', { from: '2026-02-01T00:00:00Z' }, 'from'],
    ['a zone', { to: '2026-02-01+02:00' }, 'to'],
    ['a year of six digits', { from: '+002026-02-01' }, 'from'],
    ['twice', { from: ['2026-02-01', '2026-02-02'] }, 'from'],
    ['empty', { to: '' }, 'to'],
    ['in the wrong order', { from: '2026-02-02', to: '2026-02-01' }, 'to'],
    ['one day longer than a leap year', { from: '2024-01-01', to: '2025-01-01' }, 'to'],
    ['without an end, more than a year ago', { from: '2020-01-01' }, 'to'],
  ])('%s is a 400', (_name, given, field) => {
    expect(() => parseDays(given, now)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringMatching(new RegExp(`^${field}:`)) }),
    );
  });
});

describe('maxCostUsd', () => {
  const defaults = { models: ['google/veo-3.1'], parallelEnabled: true, maxWorkers: 4, fallbackAfter: 3 };
  const parsed = (maxCostUsd: unknown) =>
    createGenerationSchema.safeParse({ prompt: 'A kettle that sings.', maxCostUsd });

  it.each([0, -1, -0, Number.NaN, Infinity, 1_000_001, '1', null, true, {}])('rejects %s', (value) => {
    expect(parsed(value).success).toBe(false);
  });

  it.each<[number, number]>([
    [0.1, 100_000],
    [0.29, 290_000],
    [1.005, 1_005_000],
    [2.000001, 2_000_001],
    // Rounded down: a generation never costs more than the cap.
    [0.1234569, 123_456],
    [0.0000009, 0],
    [999_999.999999, 999_999_999_999],
    [1_000_000, 1_000_000_000_000],
  ])('%d is %i micro-dollars', (value, micros) => {
    const request = createGenerationSchema.parse({ prompt: 'A kettle that sings.', maxCostUsd: value });
    expect(buildJob(request, defaults).maxCostMicros).toBe(micros);
  });
});
