import { z } from 'zod';
import { failureCodeSchema, failureSchema, STAGES } from './failure.js';
import { artifactSchema, generationIdSchema, jobSchema } from './job.js';
import { planSchema } from './plan.js';

export const GENERATION_STATUSES = [
  'queued',
  'planning',
  'awaiting_approval',
  'generating',
  'composing',
  'succeeded',
  'failed',
  'canceled',
] as const;
export type GenerationStatus = (typeof GENERATION_STATUSES)[number];
export const FINAL_STATUSES = ['succeeded', 'failed', 'canceled'] as const satisfies readonly GenerationStatus[];
export function isFinal(status: GenerationStatus): boolean {
  return (FINAL_STATUSES as readonly GenerationStatus[]).includes(status);
}

export const SCENE_STATUSES = [
  'waiting',
  'generating',
  'generated',
  'composing',
  'done',
  'failed',
  'canceled',
] as const;
export type SceneStatus = (typeof SCENE_STATUSES)[number];

/** The id of the message that made a step start, kept so that its redelivery re-announces the same commands. */
const cause = z.string();
const isoTime = z.iso.datetime();

export const sceneStateSchema = z.object({
  index: z.int().nonnegative(),
  status: z.enum(SCENE_STATUSES),
  /** Commands sent for the current step of this scene, counted over clip and overlay alike; part of every command's key. */
  attempt: z.int().nonnegative(),
  /** Position in the job's `models`. */
  modelIndex: z.int().nonnegative(),
  /** Absent while the scene waits for its first step of a run. */
  cause: cause.optional(),
  predictionId: z.string().optional(),
  /** The prediction whose clip the overlay could not read: the next run does not take it again. */
  rejectedPrediction: z.string().optional(),
  cached: z.boolean(),
  /** Where it differs from the plan's. */
  seed: z.int().optional(),
  /** True once this run makes the scene with another seed because the output was refused: it does so once. */
  reseeded: z.boolean().optional(),
  clip: artifactSchema.optional(),
  overlaid: artifactSchema.optional(),
  /** `traceparent` of the event that finished the scene: the join links to it. */
  doneTraceparent: z.string().optional(),
  costMicros: z.int().nonnegative(),
  /** With a cap: what the scene's clip, in flight or in doubt, may bring `costMicros` to. */
  allowanceMicros: z.int().nonnegative().optional(),
  /** Why it failed. Of a waiting scene: the refusal after which its model makes it once more, when the budget allows that. */
  failure: failureSchema.optional(),
});
export type SceneState = z.infer<typeof sceneStateSchema>;

export const resultSchema = z.object({
  video: artifactSchema,
  thumbnail: artifactSchema,
  durationSeconds: z.number().positive(),
  width: z.int(),
  height: z.int(),
});
export type GenerationResult = z.infer<typeof resultSchema>;

/** Something that did not go as planned. */
export const incidentSchema = z
  .object({
    /** Id of the event that told of it. */
    id: z.string(),
    at: isoTime,
    kind: z.enum(['retried', 'failed', 'stalled']),
    code: failureCodeSchema.optional(),
    stage: z.enum(STAGES).optional(),
    scene: z.int().nonnegative().optional(),
    model: z.string().optional(),
  })
  .meta({ id: 'Incident' });
export type Incident = z.infer<typeof incidentSchema>;

/** The director's state: everything `decide` needs, and nothing that depends on the order of arrival. */
export const generationStateSchema = z.object({
  status: z.enum(GENERATION_STATUSES),
  stage: z.enum(STAGES),
  job: jobSchema,
  /** 1, and one more for every retry and every scene that is made anew. */
  run: z.int().positive(),
  /** The plan that was asked for last. `cause` is absent for the first, which the gateway asks for. */
  planning: z.object({ attempt: z.int().positive(), cause: cause.optional() }),
  plan: planSchema.optional(),
  /** The plan that waited for it was approved, and is not changed any more. */
  approved: z.boolean().optional(),
  /** Most scenes in flight now; narrowed to 1 by the sequential fallback. */
  window: z.int().min(1),
  scenes: z.array(sceneStateSchema),
  /** Ids of the events that told of a provider in trouble while clips ran in parallel. */
  setbacks: z.array(z.string()),
  /** Why and from what the window was narrowed to 1. */
  fallback: z.object({ code: failureCodeSchema, window: z.int().positive(), at: isoTime }).optional(),
  /** How often lost commands were sent again. */
  revivals: z.int().nonnegative(),
  /** In the order in which the director heard of them. */
  incidents: z.array(incidentSchema),
  stitch: z.object({ attempt: z.int().positive(), cause }).optional(),
  result: resultSchema.optional(),
  /** The film of the run before: it is there until a run has made another. */
  former: resultSchema.optional(),
  failure: failureSchema.optional(),
  /** Sum of the charges told so far. */
  costMicros: z.int().nonnegative(),
  /** Keys of the charges that are in `costMicros`. */
  chargeKeys: z.array(z.string()),
  /** Id of the event that led to the final status. */
  finishedBy: cause.optional(),
  /** UTC, from the event that ended it. */
  finishedAt: isoTime.optional(),
});
export type GenerationState = z.infer<typeof generationStateSchema>;

/** How the time of a generation was spent: the leading figures of its performance report, in ms. */
export const performanceSummarySchema = z
  .object({
    makespanMs: z.number().nonnegative(),
    workMs: z.number().nonnegative(),
    /** Work over makespan. */
    speedup: z.number().nonnegative(),
    /** Work − makespan; negative where waiting outweighed what ran side by side. */
    timeSavedMs: z.number(),
    /** Slots of each stage. */
    workers: z.record(z.string(), z.number()),
    stages: z.array(
      z.object({
        stage: z.string(),
        count: z.int().nonnegative(),
        workMs: z.number(),
        busyMs: z.number(),
        queueWaitMs: z.number(),
      }),
    ),
    bottleneck: z.object({ stage: z.string(), share: z.number(), advice: z.string() }),
    /** False: spans were lost, and the figures are those of what is left. */
    complete: z.boolean(),
  })
  .meta({ id: 'PerformanceSummary' });
export type PerformanceSummary = z.infer<typeof performanceSummarySchema>;

/** One generation as the store keeps it. */
export const generationRecordSchema = z.object({
  id: generationIdSchema,
  /** Who asked for it: the API key's owner, or `local`. */
  owner: z.string().min(1).max(64),
  createdAt: isoTime,
  /** Last sequence of the stream EVENTS at create: the events of the generation come after it. Absent: not known. */
  eventsAfter: z.int().nonnegative().optional(),
  /** Of the present run: 32 hexadecimal digits. */
  traceId: z.string(),
  /** `traceparent` of what asked for the present run. */
  traceparent: z.string().optional(),
  /** Of the runs before, oldest first. */
  earlierTraceIds: z.array(z.string()).optional(),
  /** When the state last changed, UTC. */
  updatedAt: isoTime,
  state: generationStateSchema,
  /** Where its owner's budget holds a reservation for it. */
  account: z.object({ period: z.string() }).optional(),
  /** What its Idempotency-Key is claimed under: the claim goes with the record. */
  claim: z.string().optional(),
  /** Where its creator wants its events. It may hold a key, so no message carries it. */
  webhookUrl: z.string().optional(),
  /** Written a moment after the generation has succeeded. */
  performance: performanceSummarySchema.optional(),
});
export type GenerationRecord = z.infer<typeof generationRecordSchema>;
