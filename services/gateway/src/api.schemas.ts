import {
  chargeSchema,
  failureCodeSchema,
  failureSchema,
  FINAL_STATUSES,
  GENERATION_STATUSES,
  generationIdSchema,
  incidentSchema,
  performanceSummarySchema,
  planSchema,
  SCENE_STATUSES,
  STAGES,
  webhookEventSchema,
} from '@clipmesh/contracts';
import { z } from 'zod';

/** Dollars with at most six decimals. */
const usd = z.number().nonnegative();
/** Only what there is, and what is possible now. */
const links = z.record(z.string(), z.string());
const traceId = z.string();

const sceneView = z
  .object({
    index: z.int().nonnegative(),
    status: z.enum(SCENE_STATUSES),
    /** How often the clip was tried, over all models and runs: 1 when the first try made it. */
    attempts: z.int().nonnegative(),
    model: z.string().optional(),
    predictionId: z.string().optional(),
    cached: z.boolean(),
    costUsd: usd,
    error: failureSchema.optional(),
  })
  .meta({ id: 'Scene' });

/** A generation as the API shows it. */
export const generationView = z
  .object({
    id: generationIdSchema,
    status: z.enum(GENERATION_STATUSES),
    stage: z.enum(STAGES),
    progress: z.int().min(0).max(100),
    /** 1, and one more for every retry. */
    run: z.int().positive(),
    /** Scenes in flight at once; why they are fewer than asked for, when the provider is in trouble. */
    parallel: z.object({
      window: z.int().positive(),
      fallback: z.object({ reason: failureCodeSchema, from: z.int(), at: z.iso.datetime() }).optional(),
    }),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().optional(),
    error: failureSchema.extend({ traceId }).meta({ id: 'GenerationError' }).optional(),
    plan: planSchema.optional(),
    /** Tries that were repeated, failures and stalls, as they came. */
    incidents: z.array(incidentSchema.omit({ id: true })),
    scenes: z.array(sceneView),
    /** The video that can be downloaded: while a scene is regenerated, the former one. */
    result: z
      .object({
        durationSeconds: z.number().positive(),
        width: z.int(),
        height: z.int(),
        bytes: z.int(),
        sha256: z.string(),
      })
      .optional(),
    costUsd: usd,
    /** The most that it may cost, where there is a cap. */
    maxCostUsd: usd.optional(),
    /** What clips may cost, scene by scene, once the plan is there. */
    estimate: z.array(z.object({ index: z.int().nonnegative(), lowUsd: usd, highUsd: usd })).optional(),
    /** There a moment after the end. */
    performance: performanceSummarySchema.optional(),
    metadata: z.record(z.string(), z.string()).optional(),
    traceId,
    links,
  })
  .meta({ id: 'Generation' });
export type GenerationView = z.infer<typeof generationView>;

export const acceptedView = z
  .object({ id: generationIdSchema, status: z.enum(GENERATION_STATUSES), links })
  .meta({ id: 'Accepted' });
export type AcceptedView = z.infer<typeof acceptedView>;

export const pageView = z
  .object({
    generations: z.array(generationView),
    /** Give it as `after` for the next page; absent on the last. */
    next: generationIdSchema.optional(),
  })
  .meta({ id: 'GenerationPage' });
export type PageView = z.infer<typeof pageView>;

export const costView = z
  .object({
    id: generationIdSchema,
    totalUsd: usd,
    entries: z.array(chargeSchema.omit({ amountMicros: true }).extend({ at: z.iso.datetime(), amountUsd: usd })),
  })
  .meta({ id: 'Cost' });
export type CostView = z.infer<typeof costView>;

/** The fields that readers rely on; the report's own declaration is in trace-analysis. */
export const performanceView = z
  .looseObject({
    traceId,
    makespanMs: z.number(),
    workMs: z.number(),
    speedup: z.number(),
    sequentialMs: z.number(),
    timeSavedMs: z.number(),
    effectiveParallelism: z.number(),
    efficiency: z.number(),
    peakConcurrency: z.number(),
    workers: z.record(z.string(), z.number()),
    bottleneck: z.object({ stage: z.string(), share: z.number(), advice: z.string() }),
    /** How the run ended. */
    outcome: z.enum(FINAL_STATUSES),
    /** What the figures do not cover, in sentences. */
    notes: z.array(z.string()),
  })
  .meta({ id: 'PerformanceReport' });

/** Described by hand in docs.module: an id here would turn its description into a reference. */
export const problemView = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  stage: z.enum(STAGES).optional(),
  scene: z.int().optional(),
  retryable: z.boolean().optional(),
  charged: z.boolean().optional(),
  traceId: traceId.optional(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});

/** A registered webhook; its secret is not shown again. */
export const webhookView = z
  .object({ id: z.string(), url: z.string(), events: z.array(webhookEventSchema), createdAt: z.iso.datetime() })
  .meta({ id: 'Webhook' });
export type WebhookView = z.infer<typeof webhookView>;
/** The answer to a registration: what deliveries are signed with, this once. */
export const newWebhookView = webhookView.extend({ secret: z.string() }).meta({ id: 'NewWebhook' });
export type NewWebhookView = z.infer<typeof newWebhookView>;
export const webhookListView = z.object({ webhooks: z.array(webhookView) }).meta({ id: 'WebhookList' });
export type WebhookListView = z.infer<typeof webhookListView>;
/** What signs the deliveries to the `webhookUrl` of an owner's creates. */
export const webhookSecretView = z
  .object({
    secret: z.string(),
    /** 1, and one more for each rotation. */
    version: z.int().positive(),
    /** Until then the secret before this one signs too; absent: it was never rotated. */
    formerSignsUntil: z.iso.datetime().optional(),
  })
  .meta({ id: 'WebhookSecret' });
export type WebhookSecretView = z.infer<typeof webhookSecretView>;
