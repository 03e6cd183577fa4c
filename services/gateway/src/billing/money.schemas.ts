import { ASPECT_RATIOS, STAGES } from '@clipmesh/contracts';
import { z } from 'zod';

const usd = z.number().nonnegative();
const span = { lowUsd: usd, highUsd: usd };

/** `low`: the first model, no retry. `high`: every try of the plan, and every model of each scene, is charged once. */
export const estimateView = z
  .object({
    ...span,
    /** `unpriced`: the price of the language model is unknown and not part of the sums. */
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
        /** Supported clip lengths, seconds. Absent: every whole second up to `maxSeconds`. */
        durations: z.array(z.int()).optional(),
        /** Supported aspect ratios. Absent: all. Clips are fitted to other ratios. */
        aspectRatios: z.array(z.enum(ASPECT_RATIOS)).optional(),
      }),
    ),
    /** Default order of models; the model of a request comes first. */
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
    /** The owner's budget in the current period. Absent: no budget. */
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
