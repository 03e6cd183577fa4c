import { type Account, type UsageRow } from '@clipmesh/persistence';
import { type BudgetRules, type CostRange, type Estimate, MODELS, periodEnd, sumsOf } from '@clipmesh/billing';
import { dollars } from './dollars.js';
import { type EstimateView, type ModelsView, type UsageView } from './money.schemas.js';
import { type Days } from './usage.query.js';

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
  days: Days,
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
