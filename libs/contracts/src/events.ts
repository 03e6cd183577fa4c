import { z } from 'zod';
import { chargeSchema, failureSchema, STAGES } from './failure.js';
import { GENERATION_STATUSES, resultSchema, SCENE_STATUSES } from './generation.js';
import { artifactSchema, generationIdSchema } from './job.js';
import { defineMessage, type MessageDefinition } from './message.js';
import { planSchema } from './plan.js';

/** `at`: when it happened, UTC. `charges`: what it cost; the cost service books every charge of every event once. */
const base = { generationId: generationIdSchema, at: z.iso.datetime(), charges: z.array(chargeSchema).default([]) };
const perScene = { ...base, scene: z.int().nonnegative(), attempt: z.int().positive() };
const sceneKey = (body: { scene: number; attempt: number }): string => `${body.scene}.${body.attempt}`;
const perAttempt = { ...base, attempt: z.int().positive() };
const attemptKey = (body: { attempt: number }): string => String(body.attempt);
const failed = { failure: failureSchema };

export const PlanStarted = defineMessage({
  kind: 'event',
  name: 'plan.started',
  version: 1,
  description: 'A planner took the job up.',
  schema: z.object(perAttempt),
  key: attemptKey,
});

export const PlanWritten = defineMessage({
  kind: 'event',
  name: 'plan.written',
  version: 1,
  description: 'The plan is written and checked.',
  schema: z.object({ ...perAttempt, plan: planSchema }),
  key: attemptKey,
});
export const PlanFailed = defineMessage({
  kind: 'event',
  name: 'plan.failed',
  version: 1,
  description: 'The plan could not be written.',
  schema: z.object({ ...perAttempt, ...failed }),
  key: attemptKey,
});

export const PlanApproved = defineMessage({
  kind: 'event',
  name: 'plan.approved',
  version: 1,
  description: 'The plan that waited for its user is approved: the clips are made.',
  schema: z.object(base),
  key: () => '',
});

export const ClipGenerated = defineMessage({
  kind: 'event',
  name: 'clip.generated',
  version: 1,
  description: 'A clip is bought and stored.',
  schema: z.object({
    ...perScene,
    model: z.string(),
    predictionId: z.string(),
    cached: z.boolean(),
    clip: artifactSchema,
  }),
  key: sceneKey,
});
export const ClipFailed = defineMessage({
  kind: 'event',
  name: 'clip.failed',
  version: 1,
  description: 'A clip could not be had from this model.',
  schema: z.object({ ...perScene, ...failed, model: z.string() }),
  key: sceneKey,
});

export const PlanAbandoned = defineMessage({
  kind: 'event',
  name: 'plan.abandoned',
  version: 1,
  description:
    'An answer of the language model came although its generation is canceled; the charges say what it cost.',
  schema: z.object({ ...base, /** Key of the attempt. */ purchase: z.string() }),
  key: (body) => body.purchase,
});

export const ClipAbandoned = defineMessage({
  kind: 'event',
  name: 'clip.abandoned',
  version: 1,
  description: 'A purchase of a canceled generation is settled; the charges say what had been consumed by then.',
  schema: z.object({ ...base, scene: z.int().nonnegative(), predictionId: z.string() }),
  key: (body) => body.predictionId,
});

export const OverlayApplied = defineMessage({
  kind: 'event',
  name: 'overlay.applied',
  version: 1,
  description: 'A clip is normalised and carries its text.',
  schema: z.object({ ...perScene, clip: artifactSchema }),
  key: sceneKey,
});
export const OverlayFailed = defineMessage({
  kind: 'event',
  name: 'overlay.failed',
  version: 1,
  description: 'A clip could not be normalised or drawn upon.',
  schema: z.object({ ...perScene, ...failed }),
  key: sceneKey,
});

export const VideoStitched = defineMessage({
  kind: 'event',
  name: 'video.stitched',
  version: 1,
  description: 'The film is finished and stored.',
  schema: z.object({ ...perAttempt, result: resultSchema }),
  key: attemptKey,
});
export const StitchFailed = defineMessage({
  kind: 'event',
  name: 'stitch.failed',
  version: 1,
  description: 'The film could not be joined.',
  schema: z.object({ ...perAttempt, ...failed }),
  key: attemptKey,
});

export const CancelRequested = defineMessage({
  kind: 'event',
  name: 'cancel.requested',
  version: 1,
  description: 'Somebody asked to stop.',
  schema: z.object({ ...base, reason: z.string().max(500) }),
  key: () => '',
});

export const RetryRequested = defineMessage({
  kind: 'event',
  name: 'retry.requested',
  version: 1,
  description:
    'Somebody asked to run what a failed generation is missing. `run` is the number of the run that begins: 2, 3, …',
  schema: z.object({ ...base, run: z.int().min(2) }),
  key: (body) => String(body.run),
});

export const SceneReopened = defineMessage({
  kind: 'event',
  name: 'scene.reopened',
  version: 1,
  description:
    'A scene of an ended generation is made anew. The state has it already: the run of this number has begun with it.',
  schema: z.object({ ...base, run: z.int().min(2), scene: z.int().nonnegative() }),
  key: (body) => String(body.run),
});

export const StallNoticed = defineMessage({
  kind: 'event',
  name: 'stall.noticed',
  version: 1,
  description: 'The sweeper found a generation without any message that would carry it on.',
  schema: z.object({
    ...base,
    /** The how manieth stall of this generation: 1, 2, … */
    revival: z.int().positive(),
    /** Time since the generation last moved, ms. */
    idleMs: z.int().nonnegative(),
    /** False: it was revived often enough and fails now. */
    revive: z.boolean(),
  }),
  key: (body) => String(body.revival),
});

export const WorkRetried = defineMessage({
  kind: 'event',
  name: 'work.retried',
  version: 1,
  description:
    'One try of a message failed and another will follow. Told by the settlement, so that no retry is silent and no charge is lost.',
  schema: z.object({
    ...base,
    ...failed,
    /** Id of the message that is tried again. */
    messageId: z.string(),
    /** Which try failed: 1, 2, … */
    fault: z.int().positive(),
    /** The next try is not before this many ms. */
    delayMs: z.int().nonnegative(),
  }),
  key: (body) => `${body.messageId}.${body.fault}`,
});

const progress = {
  /** 1, and one more for every retry of the generation. */
  run: z.int().positive(),
  status: z.enum(GENERATION_STATUSES),
  stage: z.enum(STAGES),
  /** 0-100; never goes back. */
  progress: z.int().min(0).max(100),
  scenes: z.array(z.object({ index: z.int(), status: z.enum(SCENE_STATUSES) })),
  costMicros: z.int().nonnegative(),
};

export const GenerationProgressed = defineMessage({
  kind: 'event',
  name: 'generation.progressed',
  version: 1,
  description: 'The director moved: what a progress bar shows. `cause` is the id of the event that moved it.',
  schema: z.object({ ...base, ...progress, cause: z.string() }),
  key: (body) => body.cause,
});
export const GenerationSucceeded = defineMessage({
  kind: 'event',
  name: 'generation.succeeded',
  version: 1,
  description: 'The generation has its film.',
  schema: z.object({ ...base, ...progress, result: resultSchema }),
  key: (body) => String(body.run),
});
export const GenerationFailed = defineMessage({
  kind: 'event',
  name: 'generation.failed',
  version: 1,
  description: 'The generation ended without a film; finished scenes are kept.',
  schema: z.object({ ...base, ...progress, failure: failureSchema }),
  key: (body) => String(body.run),
});
export const GenerationCanceled = defineMessage({
  kind: 'event',
  name: 'generation.canceled',
  version: 1,
  description: 'The generation was stopped by its owner.',
  schema: z.object({ ...base, ...progress }),
  key: (body) => String(body.run),
});

export const EVENTS = [
  PlanStarted,
  PlanWritten,
  PlanFailed,
  PlanApproved,
  ClipGenerated,
  ClipFailed,
  PlanAbandoned,
  ClipAbandoned,
  OverlayApplied,
  OverlayFailed,
  VideoStitched,
  StitchFailed,
  CancelRequested,
  RetryRequested,
  SceneReopened,
  StallNoticed,
  WorkRetried,
  GenerationProgressed,
  GenerationSucceeded,
  GenerationFailed,
  GenerationCanceled,
] as const;

type Told<Definition> =
  Definition extends MessageDefinition<infer Body, infer Name> ? { readonly name: Name; readonly body: Body } : never;
/** Any event, told apart by its name: what the director and the cost service read. */
export type DomainEvent = Told<(typeof EVENTS)[number]>;
/** The body of the event of that name. */
export type EventBody<Name extends DomainEvent['name']> = Extract<DomainEvent, { name: Name }>['body'];
