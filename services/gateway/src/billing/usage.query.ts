import { periodEnd } from '@clipmesh/billing';
import { z } from 'zod';
import { type FieldError } from '../http/problems/issue.text.js';

/** Days of a usage query, both included. */
export interface Days {
  readonly from: string;
  readonly to: string;
}

const MAX_DAYS = 366;
const DAY_MS = 86_400_000;
/** Start of a valid `YYYY-MM-DD` day, ms since the epoch. NaN for anything else. */
function dayMs(text: unknown): number {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return Number.NaN;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text) ? ms : Number.NaN;
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** The last day of a day's month. */
const monthEnd = (day: string): string => dayOf(periodEnd(day.slice(0, 7)).getTime() - 1);

/**
 * The requested days, or the first error of the query. Default of `to`: the last day of the current month, or of the month of
 * `from` if later. Default of `from`: the first day of the month of `to`.
 */
export function daysOf(given: { from?: unknown; to?: unknown }, now: Date): Days | FieldError {
  const today = now.toISOString().slice(0, 10);
  const isDay = (text: unknown): text is string => !Number.isNaN(dayMs(text));
  const to = given.to ?? monthEnd(isDay(given.from) && given.from > today ? given.from : today);
  const from = given.from ?? (isDay(to) ? `${to.slice(0, 7)}-01` : today);
  const [start, end] = [dayMs(from), dayMs(to)];
  if (Number.isNaN(start)) return { field: 'from', message: 'must be a day, YYYY-MM-DD, UTC' };
  if (Number.isNaN(end)) return { field: 'to', message: 'must be a day, YYYY-MM-DD, UTC' };
  if (end < start) return { field: 'to', message: 'must not be before from' };
  if ((end - start) / DAY_MS >= MAX_DAYS)
    return { field: 'to', message: `must be less than ${MAX_DAYS} days after from` };
  return { from: dayOf(start), to: dayOf(end) };
}

/** The query of a usage request. */
export const usageQuery = z
  .object({ from: z.unknown().optional(), to: z.unknown().optional() })
  .transform((given, context): Days => {
    const days = daysOf(given, new Date());
    if ('from' in days) return days;
    context.addIssue({ code: 'custom', path: [days.field], message: days.message });
    return z.NEVER;
  });
