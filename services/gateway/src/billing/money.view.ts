import { type Account, type UsageRow } from '@clipmesh/persistence';
import {
  type BudgetRules,
  clipMicros,
  type CostRange,
  type Estimate,
  lengthsOf,
  type ModelTable,
  type ModelTerms,
  periodEnd,
  sumsOf,
} from '@clipmesh/billing';
import { guaranteeOf } from '@clipmesh/providers';
import { dollars } from './dollars.js';
import { type EstimateView, type ModelsView, type UsageView } from './money.schemas.js';
import { type Days } from './usage.query.js';

const spanOf = ({ lowMicros, highMicros }: CostRange): { lowUsd: number; highUsd: number } => ({
  lowUsd: dollars(lowMicros),
  highUsd: dollars(highMicros),
});

/** `waits`: the generation waits for an approval before it buys clips. */
export function estimateViewOf(estimated: Estimate, waits: boolean): EstimateView {
  return {
    ...spanOf(estimated),
    llm: { ...spanOf(estimated.llm), ...(estimated.isLlmPriced ? {} : { unpriced: true }) },
    ...(estimated.speech === undefined
      ? {}
      : { speech: { ...spanOf(estimated.speech), ...(estimated.speech.isPriced ? {} : { unpriced: true }) } }),
    scenes: estimated.scenes.map((scene, index) => ({ index, ...spanOf(scene) })),
    ...(waits ? { beforeApproval: spanOf(estimated.llm) } : {}),
    ...(estimated.pricesAsOf === undefined ? {} : { pricesAsOf: estimated.pricesAsOf }),
  };
}

/** The highest price of one second of video, dollars. */
function usdPerSecondOf({ skus }: ModelTerms, lengths: readonly number[]): number {
  const shortest = lengths[0] ?? 1;
  return dollars(Math.max(...skus.map((sku) => Math.ceil(clipMicros(sku, { seconds: shortest }) / shortest))));
}

const PRICE_FIELDS = { second: 'usdPerSecond', clip: 'usdPerClip', gpu_second: 'usdPerGpuSecond' } as const;

export function modelsViewOf(models: ModelTable, order: readonly string[]): ModelsView {
  return {
    models: [...models.values()].map((terms) => {
      const lengths = lengthsOf(terms);
      const guarantee = guaranteeOf(terms.provider);
      return {
        id: terms.id,
        provider: terms.provider,
        ...(guarantee === undefined ? {} : { guarantee }),
        usdPerSecond: usdPerSecondOf(terms, lengths),
        prices: terms.skus.map(({ id, when, per, micros }) => ({
          sku: id,
          ...(when.audio === undefined ? {} : { audio: when.audio }),
          ...(when.resolution === undefined ? {} : { resolution: when.resolution }),
          ...(when.seconds === undefined ? {} : { seconds: when.seconds }),
          [PRICE_FIELDS[per]]: dollars(micros),
        })),
        pricesAsOf: terms.asOf,
        pricesSource: terms.source,
        maxSeconds: lengths.at(-1) ?? 0,
        durations: [...lengths],
        aspectRatios: [...terms.aspectRatios],
        resolutions: terms.resolutions.map(({ name }) => name),
        audio: terms.audio,
        referenceImage: terms.firstFrame !== false,
      };
    }),
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
