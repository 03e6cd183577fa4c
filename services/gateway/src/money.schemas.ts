import { ASPECT_RATIOS, STAGES } from '@clipmesh/contracts';
import { z } from 'zod';

const usd = z.number().nonnegative();
const span = { lowUsd: usd, highUsd: usd };

/** `low`: no retry, the first model; `high`: every try of the plan and every model of each scene is charged once. */
export const estimateView = z
  .object({
    ...span,
    /** `unpriced`: the price of the language model is not known, and is not in the sums. */
    llm: z.object({ ...span, unpriced: z.literal(true).optional() }),
    scenes: z.array(z.object({ index: z.int().nonnegative(), ...span })),
  })
  .meta({ id: 'Estimate' });
export type EstimateView = z.infer<typeof estimateView>;

export const modelsView = z
  .object({
    models: z.array(
      z.object({
        id: z.string(),
        usdPerSecond: usd,
        maxSeconds: z.int(),
        /** The only lengths it makes, seconds; absent: every whole second up to `maxSeconds`. */
        durations: z.array(z.int()).optional(),
        /** The ratios it takes; absent: every one. Clips of the others are fitted. */
        aspectRatios: z.array(z.enum(ASPECT_RATIOS)).optional(),
      }),
    ),
    /** The order in which models are tried unless a request prefers one. */
    order: z.array(z.string()),
  })
  .meta({ id: 'Models' });
export type ModelsView = z.infer<typeof modelsView>;

const sum = z.object({ name: z.string(), count: z.int(), amountUsd: usd });
export const usageView = z
  .object({
    from: z.iso.date(),
    to: z.iso.date(),
    totalUsd: usd,
    byDay: z.array(sum),
    byModel: z.array(sum),
    byStage: z.array(sum),
    rows: z.array(
      z.object({
        day: z.iso.date(),
        stage: z.enum(STAGES),
        model: z.string(),
        unit: z.string(),
        count: z.int(),
        quantity: z.number(),
        amountUsd: usd,
      }),
    ),
    /** Of the current period; absent where no budget is set. */
    budget: z
      .object({
        period: z.string(),
        endsAt: z.iso.datetime(),
        limitUsd: usd,
        spentUsd: usd,
        reservedUsd: usd,
        leftUsd: usd,
      })
      .optional(),
  })
  .meta({ id: 'Usage' });
export type UsageView = z.infer<typeof usageView>;
