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
    /** With `voiceover`. `unpriced`: the price of the speech model is unknown and not part of the sums. */
    speech: z.object({ ...span, unpriced: z.literal(true).optional() }).optional(),
    scenes: z.array(z.object({ index: z.int().nonnegative(), ...span })),
    /** In the modes `review` and `draft`: what is spent before the approval. A draft buys no clips. */
    beforeApproval: z.object(span).optional(),
    /** The oldest day on which a price of the video models was checked. */
    pricesAsOf: z.iso.date().optional(),
  })
  .meta({ id: 'Estimate' });
export type EstimateView = z.infer<typeof estimateView>;

export const modelsView = z
  .object({
    models: z.array(
      z.object({
        id: z.string(),
        /** The provider that runs the model. */
        provider: z.string(),
        /** Whether a clip whose answer was lost is never bought twice, or at most once more. */
        guarantee: z.enum(['never_twice', 'at_most_once_more']).optional(),
        /** The highest price of one second of video. */
        usdPerSecond: usd,
        /** The price for each kind of clip: with or without sound, by resolution, by length in seconds. */
        prices: z.array(
          z.object({
            sku: z.string(),
            audio: z.boolean().optional(),
            resolution: z.string().optional(),
            seconds: z.int().optional(),
            usdPerSecond: usd.optional(),
            usdPerClip: usd.optional(),
            usdPerGpuSecond: usd.optional(),
          }),
        ),
        /** The day on which the prices were checked. */
        pricesAsOf: z.iso.date(),
        pricesSource: z.string(),
        maxSeconds: z.int(),
        /** Clip lengths, seconds. */
        durations: z.array(z.int()),
        /** Aspect ratios that the model takes. Clips are fitted to other ratios. */
        aspectRatios: z.array(z.enum(ASPECT_RATIOS)),
        resolutions: z.array(z.string()),
        /** Whether clips have sound: never, always, or as the request's `clipAudio` says. */
        audio: z.enum(['none', 'optional', 'always']),
        /** Whether the model takes a reference image. */
        referenceImage: z.boolean(),
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
