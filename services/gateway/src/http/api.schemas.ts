import {
  chargeFields,
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

/** US dollars with at most six decimals. */
const usd = z.number().nonnegative();
/** Only resources that exist and actions that are possible now. */
const links = z.record(z.string(), z.string());
const traceId = z.string();

const sceneView = z
  .object({
    index: z.int().nonnegative(),
    status: z.enum(SCENE_STATUSES),
    /** How many times the clip was tried, over all models and runs. 1: the first try succeeded. */
    attempts: z.int().nonnegative(),
    model: z.string().optional(),
    predictionId: z.string().optional(),
    cached: z.boolean(),
    costUsd: usd,
    /** What the viewer of this scene will miss, for example the sound of its clip. Absent: nothing. */
    warnings: z.array(z.string()).optional(),
    error: failureSchema.optional(),
  })
  .meta({ id: 'Scene' });

/** A generation in API responses. */
export const generationView = z
  .object({
    id: generationIdSchema,
    status: z.enum(GENERATION_STATUSES),
    stage: z.enum(STAGES),
    progress: z.int().min(0).max(100),
    /** 1, plus one per retry, regeneration, change of a draft, or approval of a draft. */
    run: z.int().positive(),
    /** The generation is a draft: its clips are drawn, not bought. Absent once it is approved. */
    draft: z.literal(true).optional(),
    /** `window`: scenes in flight at once. `fallback`: why there are fewer than requested, after provider failures. */
    parallel: z.object({
      window: z.int().positive(),
      fallback: z.object({ reason: failureCodeSchema, from: z.int(), at: z.iso.datetime() }).optional(),
    }),
    createdAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().optional(),
    error: failureSchema.extend({ traceId }).meta({ id: 'GenerationError' }).optional(),
    plan: planSchema.optional(),
    /** Retries, failures and stalls, in order. */
    incidents: z.array(incidentSchema.omit({ id: true })),
    scenes: z.array(sceneView),
    /** The video that you can download. While another run replaces it, this is the previous video. */
    result: z
      .object({
        durationSeconds: z.number().positive(),
        width: z.int(),
        height: z.int(),
        bytes: z.int(),
        sha256: z.string(),
        /** It is the video of a draft. */
        draft: z.literal(true).optional(),
      })
      .optional(),
    costUsd: usd,
    /** The cost cap. Absent: no cap. */
    maxCostUsd: usd.optional(),
    /** The cost range of each scene's clip. Present once the plan exists. */
    estimate: z.array(z.object({ index: z.int().nonnegative(), lowUsd: usd, highUsd: usd })).optional(),
    /** Present shortly after the end of the run. */
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
    /** Pass it as `after` to get the next page. Absent on the last page. */
    next: generationIdSchema.optional(),
  })
  .meta({ id: 'GenerationPage' });
export type PageView = z.infer<typeof pageView>;

export const costView = z
  .object({
    id: generationIdSchema,
    totalUsd: usd,
    entries: z.array(
      chargeFields.omit({ amountMicros: true }).extend({
        at: z.iso.datetime(),
        /** Negative only in an adjustment. */
        amountUsd: z.number(),
      }),
    ),
  })
  .meta({ id: 'Cost' });
export type CostView = z.infer<typeof costView>;

/** The fields that clients rely on. trace-analysis declares the full report. */
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
    /** How the run ended. `awaiting_approval`: with a draft. */
    outcome: z.enum([...FINAL_STATUSES, 'awaiting_approval']),
    /** Sentences about what the numbers do not cover. */
    notes: z.array(z.string()),
  })
  .meta({ id: 'PerformanceReport' });

/** `describeApi` adds it to the document: an id here would turn its description into a reference. */
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

/** A registered webhook, without its secret. */
export const webhookView = z
  .object({ id: z.string(), url: z.string(), events: z.array(webhookEventSchema), createdAt: z.iso.datetime() })
  .meta({ id: 'Webhook' });
export type WebhookView = z.infer<typeof webhookView>;
/** The response to a registration. Only this response contains the signing secret. */
export const newWebhookView = webhookView.extend({ secret: z.string() }).meta({ id: 'NewWebhook' });
export type NewWebhookView = z.infer<typeof newWebhookView>;
export const webhookListView = z.object({ webhooks: z.array(webhookView) }).meta({ id: 'WebhookList' });
export type WebhookListView = z.infer<typeof webhookListView>;
/** The secret that signs deliveries to the `webhookUrl` of an owner's generations. */
export const webhookSecretView = z
  .object({
    secret: z.string(),
    /** 1, plus one per rotation. */
    version: z.int().positive(),
    /** The previous secret also signs until then. Absent: the secret was never rotated. */
    formerSignsUntil: z.iso.datetime().optional(),
  })
  .meta({ id: 'WebhookSecret' });
export type WebhookSecretView = z.infer<typeof webhookSecretView>;
