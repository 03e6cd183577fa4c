import { type Account, type UsageRow } from '@clipmesh/persistence';
import { type BudgetRules, type CostRange, type Estimate, MODELS, periodEnd, sumsOf } from '@clipmesh/billing';
import { dollars } from '../generations/generation.view.js';
import { type EstimateView, type ModelsView, type UsageView } from './money.schemas.js';
import { badRequest, refuseUnknownParameters } from '../http/problems/problem.js';

const spanOf = ({ lowMicros, highMicros }: CostRange): { lowUsd: number; highUsd: number } => ({
  lowUsd: dollars(lowMicros),
  highUsd: dollars(highMicros),
});

export function estimateViewOf(estimated: Estimate): EstimateView {
  return {
    ...spanOf(estimated),
    llm: { ...spanOf(estimated.llm), ...(estimated.isLlmPriced ? {} : { unpriced: true }) },
    scenes: estimated.scenes.map((scene, index) => ({ index, ...spanOf(scene) })),
  };
}

export function modelsViewOf(order: readonly string[]): ModelsView {
  return {
    models: Object.values(MODELS).map(({ id, microsPerSecond, maxSeconds, durations, aspectRatios }) => ({
      id,
      usdPerSecond: dollars(microsPerSecond),
      maxSeconds,
      ...(durations === undefined ? {} : { durations: [...durations] }),
      ...(aspectRatios === undefined ? {} : { aspectRatios: [...aspectRatios] }),
    })),
    order: [...order],
  };
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
 * The requested days, both included. Default of `to`: the last day of the current month, or of the month of `from` if later.
 * Default of `from`: the first day of the month of `to`. Throws a 400.
 */
export function parseDays(given: { from?: unknown; to?: unknown }, now: Date): { from: string; to: string } {
  refuseUnknownParameters(given, ['from', 'to']);
  const today = now.toISOString().slice(0, 10);
  const isDay = (text: unknown): text is string => !Number.isNaN(dayMs(text));
  const to = given.to ?? monthEnd(isDay(given.from) && given.from > today ? given.from : today);
  const from = given.from ?? (isDay(to) ? `${to.slice(0, 7)}-01` : today);
  const [start, end] = [dayMs(from), dayMs(to)];
  if (Number.isNaN(start)) throw badRequest('from', 'must be a day, YYYY-MM-DD, UTC');
  if (Number.isNaN(end)) throw badRequest('to', 'must be a day, YYYY-MM-DD, UTC');
  if (end < start) throw badRequest('to', 'must not be before from');
  if ((end - start) / DAY_MS >= MAX_DAYS) throw badRequest('to', `must be less than ${MAX_DAYS} days after from`);
  return { from: dayOf(start), to: dayOf(end) };
}

function sumsBy(rows: readonly UsageRow[], name: (row: UsageRow) => string): UsageView['byDay'] {
  const sums = new Map<string, { count: number; micros: number }>();
  for (const row of rows) {
    const sum = sums.get(name(row)) ?? { count: 0, micros: 0 };
    sums.set(name(row), { count: sum.count + row.count, micros: sum.micros + row.amountMicros });
  }
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { count, micros }]) => ({ name: key, count, amountUsd: dollars(micros) }));
}

export function usageViewOf(
  days: { from: string; to: string },
  rows: readonly UsageRow[],
  budget: { rules: BudgetRules; account: Account } | undefined,
): UsageView {
  return {
    ...days,
    totalUsd: dollars(rows.reduce((sum, { amountMicros }) => sum + amountMicros, 0)),
    byDay: sumsBy(rows, ({ day }) => day),
    byModel: sumsBy(rows, ({ model }) => model),
    byStage: sumsBy(rows, ({ stage }) => stage),
    rows: rows.map(({ amountMicros, ...row }) => ({ ...row, amountUsd: dollars(amountMicros) })),
    ...(budget === undefined ? {} : { budget: budgetOf(budget.rules, budget.account) }),
  };
}

function budgetOf({ limitMicros }: BudgetRules, account: Account): NonNullable<UsageView['budget']> {
  const { spentMicros, reservedMicros } = sumsOf(account);
  return {
    period: account.period,
    endsAt: periodEnd(account.period).toISOString(),
    limitUsd: dollars(limitMicros),
    spentUsd: dollars(spentMicros),
    reservedUsd: dollars(reservedMicros),
    leftUsd: dollars(Math.max(0, limitMicros - spentMicros - reservedMicros)),
  };
}
