import { z } from 'zod';
import { failureCodeSchema, failureSchema } from '../failure/failure.js';
import { SCENE_STEPS, type SceneStep, STAGES } from '../services.js';
import {
  artifactSchema,
  blendedSchema,
  generationIdSchema,
  jobSchema,
  thumbnailSchema,
  warningsSchema,
} from './job.js';
import { planSchema } from './plan.js';
import { speechStateSchema } from './voiceover.js';

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
  ...SCENE_STEPS.map(({ status }) => status),
  'done',
  'failed',
  'canceled',
] as const;
export type SceneStatus = (typeof SCENE_STATUSES)[number];
/** The step that a scene in this status waits for. Undefined: it waits for none. */
export function stepOf(status: SceneStatus): SceneStep | undefined {
  return SCENE_STEPS.find((step) => step.status === status);
}

/** Id of the message that started a step. A redelivery of that message emits the same commands again. */
const cause = z.string();
const isoTime = z.iso.datetime();
/** The file that each step of a scene has made. */
const stepResults = Object.fromEntries(SCENE_STEPS.map(({ result }) => [result, artifactSchema.optional()])) as Record<
  SceneStep['result'],
  z.ZodOptional<typeof artifactSchema>
>;

const sceneStateSchema = z.object({
  index: z.int().nonnegative(),
  status: z.enum(SCENE_STATUSES),
  /** Number of the command step: counts the commands of this scene. Part of each command's key. */
  attempt: z.int().nonnegative(),
  /** Index in the `models` of the job. */
  modelIndex: z.int().nonnegative(),
  /** Absent until the first step of a run starts. */
  cause: cause.optional(),
  predictionId: z.string().optional(),
  /** A prediction whose clip the overlay could not read. The next run does not reuse it. */
  rejectedPrediction: z.string().optional(),
  cached: z.boolean(),
  /** Default: the seed of the plan. */
  seed: z.int().optional(),
  /** True: the safety filter rejected the output and this run has changed the seed. It does so once. */
  reseeded: z.boolean().optional(),
  ...stepResults,
  /** The candidate of this scene for the thumbnail of the video. */
  thumbnail: thumbnailSchema.optional(),
  /** Frames of the overlaid file after the planned end of the scene. Absent: none. */
  handleFrames: z.int().positive().optional(),
  /** The pictures of the transition with which it begins. */
  blend: blendedSchema.optional(),
  /** The transitions that its overlay makes, by the scene that begins with each. */
  blends: z.array(z.int().nonnegative()).optional(),
  /** Absent: nothing is spoken in the scene. */
  speech: speechStateSchema.optional(),
  /** What the viewer of this scene will miss. Absent: nothing. */
  warnings: warningsSchema.optional(),
  /** `traceparent` of the event that finished the scene. The span of the join links to it. */
  doneTraceparent: z.string().optional(),
  costMicros: z.int().nonnegative(),
  /** With a cost limit: the most that `costMicros` can reach with the pending purchase of the clip. */
  allowanceMicros: z.int().nonnegative().optional(),
  /** Why the scene failed. For a waiting scene: the rejection that it repeats with the same model, if the budget allows. */
  failure: failureSchema.optional(),
});
export type SceneState = z.infer<typeof sceneStateSchema>;

export const resultSchema = z.object({
  video: artifactSchema,
  thumbnail: artifactSchema,
  durationSeconds: z.number().positive(),
  width: z.int(),
  height: z.int(),
  /** True: the video of a draft. Default: false. */
  draft: z.boolean().optional(),
});
export type GenerationResult = z.infer<typeof resultSchema>;

/** A retry, failure, stall, or a model that was skipped because it cannot make the clip. */
export const incidentSchema = z
  .object({
    /** Id of the event that reported it. */
    id: z.string(),
    at: isoTime,
    kind: z.enum(['retried', 'failed', 'stalled', 'skipped']),
    code: failureCodeSchema.optional(),
    stage: z.enum(STAGES).optional(),
    scene: z.int().nonnegative().optional(),
    model: z.string().optional(),
    /** Why the model was skipped. */
    reason: z.string().optional(),
  })
  .meta({ id: 'Incident' });
export type Incident = z.infer<typeof incidentSchema>;

/** The state of the director: everything `decide` needs, independent of the arrival order of events. */
const generationStateSchema = z.object({
  status: z.enum(GENERATION_STATUSES),
  stage: z.enum(STAGES),
  job: jobSchema,
  /** Starts at 1; each retry or regeneration adds 1. */
  run: z.int().positive(),
  /** The last plan command. `cause` is absent for the first one, which the gateway sends. */
  planning: z.object({ attempt: z.int().positive(), cause: cause.optional() }),
  plan: planSchema.optional(),
  /** True: the owner approved the plan. It no longer changes. */
  approved: z.boolean().optional(),
  /** Maximum number of scenes in flight. The sequential fallback sets it to 1. */
  window: z.int().min(1),
  scenes: z.array(sceneStateSchema),
  /** Ids of events that reported provider failures while clips ran in parallel. */
  failures: z.array(z.string()),
  /** Reason for the sequential fallback, and the window before it. */
  fallback: z.object({ code: failureCodeSchema, window: z.int().positive(), at: isoTime }).optional(),
  /** How often lost commands were sent again. */
  revivals: z.int().nonnegative(),
  /** In the order in which the director received them. */
  incidents: z.array(incidentSchema),
  stitch: z.object({ attempt: z.int().positive(), cause }).optional(),
  result: resultSchema.optional(),
  /** The video of the previous run, kept until a later run replaces it. It may be a draft. */
  previousResult: resultSchema.optional(),
  failure: failureSchema.optional(),
  /** Sum of the charges received so far. */
  costMicros: z.int().nonnegative(),
  /** Keys of the charges in `costMicros`. */
  chargeKeys: z.array(z.string()),
  /** Id of the event that ended the run: it led to the final status, or finished the draft. */
  finishedBy: cause.optional(),
  /** Time of that event, UTC. */
  finishedAt: isoTime.optional(),
});
export type GenerationState = z.infer<typeof generationStateSchema>;

/** Whether the generation is still a draft: nothing but its plan is bought until it is approved. */
export function isDraft({ job, approved }: Pick<GenerationState, 'job' | 'approved'>): boolean {
  return job.draft === true && approved !== true;
}

/** Whether the draft is finished and waits for its approval. */
export function isDrafted(state: Pick<GenerationState, 'job' | 'approved' | 'status'>): boolean {
  return isDraft(state) && state.status === 'awaiting_approval';
}

/** Key figures of the performance report of a generation. Times in ms. */
export const performanceSummarySchema = z
  .object({
    makespanMs: z.number().nonnegative(),
    workMs: z.number().nonnegative(),
    /** `workMs` / `makespanMs`. */
    speedup: z.number().nonnegative(),
    /** `workMs` − `makespanMs`. Negative if waiting outweighs parallel work. */
    timeSavedMs: z.number(),
    /** Number of slots per stage. */
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
    /** False: spans are missing, and the figures cover only the others. */
    complete: z.boolean(),
  })
  .meta({ id: 'PerformanceSummary' });
export type PerformanceSummary = z.infer<typeof performanceSummarySchema>;

/** The stored record of one generation. */
export const generationRecordSchema = z.object({
  id: generationIdSchema,
  /** The owner of the API key, or `local`. */
  owner: z.string().min(1).max(64),
  createdAt: isoTime,
  /** Last sequence of the stream EVENTS at create. The events of the generation follow it. Absent: unknown. */
  eventsAfter: z.int().nonnegative().optional(),
  /** Trace of the current run: 32 hexadecimal digits. */
  traceId: z.string(),
  /** `traceparent` of the request that started the current run. */
  traceparent: z.string().optional(),
  /** Traces of earlier runs, oldest first. */
  earlierTraceIds: z.array(z.string()).optional(),
  /** Time of the last state change, UTC. */
  updatedAt: isoTime,
  state: generationStateSchema,
  /** The budget period that has a reservation for it. */
  account: z.object({ period: z.string() }).optional(),
  /** Key of its Idempotency-Key claim. The claim is removed with the record. */
  claim: z.string().optional(),
  /** URL that receives its events. No message contains it, because it may include a secret. */
  webhookUrl: z.string().optional(),
  /** Written shortly after the generation succeeds. */
  performance: performanceSummarySchema.optional(),
});
export type GenerationRecord = z.infer<typeof generationRecordSchema>;
