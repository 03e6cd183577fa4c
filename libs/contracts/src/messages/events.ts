import { z } from 'zod';
import { chargesSchema, failureSchema } from '../failure/failure.js';
import { GENERATION_STATUSES, resultSchema, SCENE_STATUSES } from '../schemas/generation.js';
import { artifactSchema, blendedSchema, generationIdSchema, thumbnailSchema, warningsSchema } from '../schemas/job.js';
import { defineMessage, type MessageDefinition } from './message.js';
import { planSchema } from '../schemas/plan.js';
import { spokenSchema } from '../schemas/voiceover.js';
import { STAGES } from '../services.js';

/** `at`: time of the event, UTC. `charges`: what it cost; the cost service enters each charge into the ledger once, by key. */
const base = { generationId: generationIdSchema, at: z.iso.datetime(), charges: chargesSchema.default([]) };
const perScene = { ...base, scene: z.int().nonnegative(), attempt: z.int().positive() };
const sceneKey = (body: { scene: number; attempt: number }): string => `${body.scene}.${body.attempt}`;
const perStep = { ...base, attempt: z.int().positive() };
const stepKey = (body: { attempt: number }): string => String(body.attempt);
const failed = { failure: failureSchema };

export const PlanStarted = defineMessage({
  kind: 'event',
  name: 'plan.started',
  version: 1,
  description: 'A planner started the job.',
  schema: z.object(perStep),
  key: stepKey,
});

export const PlanWritten = defineMessage({
  kind: 'event',
  name: 'plan.written',
  version: 1,
  description: 'The plan is written and valid.',
  schema: z.object({ ...perStep, plan: planSchema }),
  key: stepKey,
});
export const PlanFailed = defineMessage({
  kind: 'event',
  name: 'plan.failed',
  version: 1,
  description: 'The plan could not be written.',
  schema: z.object({ ...perStep, ...failed }),
  key: stepKey,
});

export const PlanApproved = defineMessage({
  kind: 'event',
  name: 'plan.approved',
  version: 1,
  description: 'The owner approved the plan or the draft; clips are bought.',
  schema: z.object(base),
  key: () => '',
});

export const DraftEdited = defineMessage({
  kind: 'event',
  name: 'draft.edited',
  version: 1,
  description: 'The owner changed the plan of a draft. The state already contains the change: it started this run.',
  schema: z.object({ ...base, run: z.int().min(2) }),
  key: (body) => String(body.run),
});

export const ClipGenerated = defineMessage({
  kind: 'event',
  name: 'clip.generated',
  version: 1,
  description: 'A clip is bought, or drawn for a draft, and stored.',
  schema: z.object({
    ...perScene,
    model: z.string(),
    /** Absent: the clip was drawn. */
    predictionId: z.string().optional(),
    cached: z.boolean(),
    clip: artifactSchema,
  }),
  key: sceneKey,
});
export const ClipFailed = defineMessage({
  kind: 'event',
  name: 'clip.failed',
  version: 1,
  description: 'This model could not generate the clip.',
  schema: z.object({ ...perScene, ...failed, model: z.string() }),
  key: sceneKey,
});

export const PlanAbandoned = defineMessage({
  kind: 'event',
  name: 'plan.abandoned',
  version: 1,
  description:
    'The language model answered after its generation was canceled. The charges contain what the answer cost.',
  schema: z.object({ ...base, /** Key of the purchase. */ purchase: z.string() }),
  key: (body) => body.purchase,
});

export const ClipAbandoned = defineMessage({
  kind: 'event',
  name: 'clip.abandoned',
  version: 1,
  description: 'A purchase of a canceled generation is settled. The charges contain what it cost until then.',
  schema: z.object({
    ...base,
    scene: z.int().nonnegative(),
    /** Key of the purchase when its prediction is unknown. */ predictionId: z.string(),
  }),
  key: (body) => body.predictionId,
});

export const ChargeAdjusted = defineMessage({
  kind: 'event',
  name: 'charge.adjusted',
  version: 1,
  description: 'A provider said what it billed after the purchase was charged. The charges contain the adjustment.',
  schema: z.object({ ...base, /** Key of the adjusted charge. */ charge: z.string() }),
  key: (body) => body.charge,
});

export const OverlayApplied = defineMessage({
  kind: 'event',
  name: 'overlay.applied',
  version: 1,
  description: 'A clip is normalised and has its text.',
  schema: z.object({
    ...perScene,
    clip: artifactSchema,
    thumbnail: thumbnailSchema.optional(),
    warnings: warningsSchema.optional(),
    /** Frames of the file after the planned end of the scene. */
    handleFrames: z.int().positive().optional(),
    /** The transitions to its neighbours, by the scene that begins with each. */
    blends: z.array(z.object({ scene: z.int().nonnegative(), blend: blendedSchema })).optional(),
  }),
  key: sceneKey,
});
export const OverlayFailed = defineMessage({
  kind: 'event',
  name: 'overlay.failed',
  version: 1,
  description: 'A clip could not be normalised or its text could not be drawn.',
  schema: z.object({ ...perScene, ...failed }),
  key: sceneKey,
});

export const SpeechSpoken = defineMessage({
  kind: 'event',
  name: 'speech.spoken',
  version: 1,
  description: 'The speech of a scene is stored and fits into its time.',
  schema: z.object({ ...perScene, ...spokenSchema.shape }),
  key: sceneKey,
});
export const SpeechFailed = defineMessage({
  kind: 'event',
  name: 'speech.failed',
  version: 1,
  description: 'Nobody could speak the script of a scene. The video is made without it.',
  schema: z.object({ ...perScene, ...failed }),
  key: sceneKey,
});

export const VideoStitched = defineMessage({
  kind: 'event',
  name: 'video.stitched',
  version: 1,
  description: 'The video is finished and stored.',
  schema: z.object({ ...perStep, result: resultSchema }),
  key: stepKey,
});
export const StitchFailed = defineMessage({
  kind: 'event',
  name: 'stitch.failed',
  version: 1,
  description: 'The video could not be joined.',
  schema: z.object({ ...perStep, ...failed }),
  key: stepKey,
});

export const CancelRequested = defineMessage({
  kind: 'event',
  name: 'cancel.requested',
  version: 1,
  description: 'The owner requested to cancel the generation.',
  schema: z.object({ ...base, reason: z.string().max(500) }),
  key: () => '',
});

export const RetryRequested = defineMessage({
  kind: 'event',
  name: 'retry.requested',
  version: 1,
  description:
    'The owner requested a retry of what a failed generation is missing. `run` is the number of the new run: 2, 3, …',
  schema: z.object({ ...base, run: z.int().min(2) }),
  key: (body) => String(body.run),
});

export const SceneReopened = defineMessage({
  kind: 'event',
  name: 'scene.reopened',
  version: 1,
  description: 'A scene of a finished generation is regenerated. The state already contains it: it started this run.',
  schema: z.object({ ...base, run: z.int().min(2), scene: z.int().nonnegative() }),
  key: (body) => String(body.run),
});

export const StallNoticed = defineMessage({
  kind: 'event',
  name: 'stall.noticed',
  version: 1,
  description: 'The sweeper found a generation without a pending message.',
  schema: z.object({
    ...base,
    /** Number of the stall of this generation: 1, 2, … */
    revival: z.int().positive(),
    /** Time since the last change of the generation, ms. */
    idleMs: z.int().nonnegative(),
    /** False: the generation has used all its revivals and fails. */
    revive: z.boolean(),
  }),
  key: (body) => String(body.revival),
});

export const WorkRetried = defineMessage({
  kind: 'event',
  name: 'work.retried',
  version: 1,
  description:
    'One try of a message failed and another follows. Settlement publishes it, so that no retry is silent and no charge is lost.',
  schema: z.object({
    ...base,
    ...failed,
    /** Id of the message that is retried. */
    messageId: z.string(),
    /** Number of the failed try: 1, 2, … */
    fault: z.int().positive(),
    /** Delay before the next try, ms. */
    delayMs: z.int().nonnegative(),
  }),
  key: (body) => `${body.messageId}.${body.fault}`,
});

const progress = {
  /** Starts at 1; each retry or regeneration adds 1. */
  run: z.int().positive(),
  status: z.enum(GENERATION_STATUSES),
  stage: z.enum(STAGES),
  /** 0-100; never decreases. */
  progress: z.int().min(0).max(100),
  scenes: z.array(z.object({ index: z.int(), status: z.enum(SCENE_STATUSES) })),
  costMicros: z.int().nonnegative(),
};

export const GenerationProgressed = defineMessage({
  kind: 'event',
  name: 'generation.progressed',
  version: 1,
  description:
    'The state of the generation changed: progress for clients. `cause` is the id of the event that changed it.',
  schema: z.object({ ...base, ...progress, cause: z.string() }),
  key: (body) => body.cause,
});
export const GenerationSucceeded = defineMessage({
  kind: 'event',
  name: 'generation.succeeded',
  version: 1,
  description: 'The generation has its video.',
  schema: z.object({ ...base, ...progress, result: resultSchema }),
  key: (body) => String(body.run),
});
export const GenerationFailed = defineMessage({
  kind: 'event',
  name: 'generation.failed',
  version: 1,
  description: 'The generation ended without a video. Finished scenes are kept.',
  schema: z.object({ ...base, ...progress, failure: failureSchema }),
  key: (body) => String(body.run),
});
export const GenerationCanceled = defineMessage({
  kind: 'event',
  name: 'generation.canceled',
  version: 1,
  description: 'The owner canceled the generation.',
  schema: z.object({ ...base, ...progress }),
  key: (body) => String(body.run),
});

export const EVENTS = [
  PlanStarted,
  PlanWritten,
  PlanFailed,
  PlanApproved,
  DraftEdited,
  ClipGenerated,
  ClipFailed,
  PlanAbandoned,
  ClipAbandoned,
  ChargeAdjusted,
  OverlayApplied,
  OverlayFailed,
  SpeechSpoken,
  SpeechFailed,
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

type NamedBody<Definition> =
  Definition extends MessageDefinition<infer Body, infer Name> ? { readonly name: Name; readonly body: Body } : never;
/** Any event, discriminated by its name. The director and the cost service read these. */
export type DomainEvent = NamedBody<(typeof EVENTS)[number]>;

/** The declaration of an event. Throws when there is none. */
export function eventNamed(name: DomainEvent['name']): MessageDefinition {
  const found = EVENTS.find((event) => event.name === name);
  if (found === undefined) throw new Error(`no event ${name}`);
  return found;
}
