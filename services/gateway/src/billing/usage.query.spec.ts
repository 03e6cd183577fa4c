import { describe, expect, it } from '@jest/globals';
import { SchemaPipe } from '../http/schema.pipe.js';
import { daysOf, usageQuery } from './usage.query.js';

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
    expect(daysOf(given, now)).toEqual({ from, to });
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
    expect(daysOf(given, now)).toEqual({ field, message: expect.any(String) });
    expect(() => new SchemaPipe().transform(given, { type: 'query', schema: usageQuery })).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringMatching(new RegExp(`^${field}:`)) }),
    );
  });
});
