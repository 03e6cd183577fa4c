import { z } from 'zod';
import {
  artifactSchema,
  encodeProfileSchema,
  generationIdSchema,
  jobSchema,
  thumbnailSchema,
  ASPECT_RATIOS,
} from '../schemas/job.js';
import { defineMessage } from './message.js';
import { MUSIC_MOODS } from '../schemas/moods.js';
import { overlayTextSchema } from '../schemas/plan.js';
import { blendSchema } from '../schemas/transition.js';
import { scriptSchema, spokenSchema } from '../schemas/voiceover.js';
import { OWN_ENDPOINT, WEBHOOK_ID, webhookEventSchema } from '../schemas/webhook.js';
import { WORK_COMMAND_NAMES, type WorkCommandName } from '../services.js';

/** `revival`: how often the sweeper has sent lost commands again. It changes the message id, so that the broker does not drop the repeat. */
const base = { generationId: generationIdSchema, attempt: z.int().positive(), revival: z.int().positive().optional() };
/** Scene and `attempt` (the command step) identify a command for a scene. */
const perScene = { ...base, scene: z.int().nonnegative() };
type Step = { attempt: number; revival?: number | undefined };
const stepKey = ({ attempt, revival }: Step): string =>
  revival === undefined ? `${attempt}` : `${attempt}.r${revival}`;
const sceneKey = (body: Step & { scene: number }): string => `${body.scene}.${stepKey(body)}`;

export const GenerationPlan = defineMessage({
  kind: 'command',
  name: 'generation.plan',
  version: 1,
  description: 'Write the plan of a job.',
  schema: z.object({ ...base, job: jobSchema }),
  key: stepKey,
});

export const ClipGenerate = defineMessage({
  kind: 'command',
  name: 'clip.generate',
  version: 1,
  description: 'Buy one clip from a video model, or draw the clip of a draft, and store it.',
  schema: z.object({
    ...perScene,
    /** `clipmesh/animatic`: the clip is drawn, not bought. */
    model: z.string(),
    /** The description of the scene followed by the style of the plan. */
    prompt: z.string().min(1),
    durationSeconds: z.int().positive(),
    aspectRatio: z.enum(ASPECT_RATIOS),
    seed: z.int(),
    /** First frame of the clip. */
    referenceImage: artifactSchema.optional(),
    /** False: the sound of the clip is not used. Default: true. */
    clipSound: z.boolean().optional(),
    /** Limit of all purchases of this scene together, micro-dollars. Absent: no limit. */
    allowanceMicros: z.int().nonnegative().optional(),
    /** False: the cache is neither read nor written. Default: true. */
    cache: z.boolean().optional(),
    /** A prediction whose clip was unusable. It is not reused. */
    rejectedPrediction: z.string().optional(),
  }),
  key: sceneKey,
});

export const OverlayApply = defineMessage({
  kind: 'command',
  name: 'overlay.apply',
  version: 1,
  description: 'Normalise one clip, draw its text and encode it once.',
  schema: z.object({
    ...perScene,
    clip: artifactSchema,
    durationSeconds: z.int().positive(),
    profile: encodeProfileSchema,
    overlay: overlayTextSchema.optional(),
    /** Frames at its begin that a transition replaces. Absent: none. */
    leadFrames: z.int().positive().optional(),
    /** Frames after its end that the transition to the next scene shows. Absent: none. */
    handleFrames: z.int().positive().optional(),
    /** The transitions to neighbours that are ready. */
    blends: z
      .array(
        z.object({
          /** The scene that begins with the transition: this one, or the next. */
          scene: z.int().nonnegative(),
          kind: blendSchema,
          /** The overlaid file of the other scene. */
          neighbour: artifactSchema,
          /** Planned length of the earlier scene. */
          earlierSeconds: z.int().positive(),
        }),
      )
      .optional(),
  }),
  key: sceneKey,
});

export const SpeechSpeak = defineMessage({
  kind: 'command',
  name: 'speech.speak',
  version: 1,
  description: 'Buy the speech of one scene and fit it into its time.',
  schema: z.object({
    ...perScene,
    /** What is spoken. */
    script: scriptSchema,
    /** Duration of the scene, seconds. */
    durationSeconds: z.int().positive(),
    /** In the provider's spelling. Default: that of the settings. */
    voice: z.string().optional(),
    /** 1 is normal, the default. */
    speed: z.number().optional(),
    /** Limit of all speeches of this scene together, micro-dollars. Absent: no limit. */
    allowanceMicros: z.int().nonnegative().optional(),
    /** True: only a speech that costs nothing is made. Default: false. */
    freeOnly: z.boolean().optional(),
    /** False: the cache is neither read nor written. Default: true. */
    cache: z.boolean().optional(),
  }),
  key: sceneKey,
});

export const StitchRender = defineMessage({
  kind: 'command',
  name: 'stitch.render',
  version: 1,
  description: 'Join the scenes in plan order, mix the sound, and write the MP4 and its thumbnail.',
  schema: z.object({
    ...base,
    scenes: z
      .array(
        z.object({
          index: z.int().nonnegative(),
          clip: artifactSchema,
          durationSeconds: z.int().positive(),
          /** Absent: an earlier version overlaid the scene. */
          thumbnail: thumbnailSchema.optional(),
          /** How it begins. `clip`: the pictures of the transition; the stitcher makes those that are missing. Absent: a cut. */
          transition: z.object({ kind: blendSchema, clip: artifactSchema.optional() }).optional(),
        }),
      )
      .min(1),
    profile: encodeProfileSchema,
    /** Uploaded music, or the bed of a mood. Absent: no music. */
    music: z
      .object({
        artifact: artifactSchema.optional(),
        bed: z.enum(MUSIC_MOODS).optional(),
        volume: z.number().min(0).max(1),
      })
      .optional(),
    /** What is spoken in the scenes. Absent: nothing. */
    speech: z.array(z.object({ scene: z.int().nonnegative(), ...spokenSchema.shape })).optional(),
    /** False: the video has no sound of its clips. Default: true. */
    clipSound: z.boolean().optional(),
  }),
  key: stepKey,
});

export const WebhookDeliver = defineMessage({
  kind: 'command',
  name: 'webhook.deliver',
  version: 1,
  description: 'Deliver an event of the generation to a webhook endpoint of its owner.',
  schema: z.object({
    generationId: generationIdSchema,
    /** Id of a registered webhook, or {@link OWN_ENDPOINT}. The gateway looks up its URL at delivery. */
    endpoint: z.union([z.string().regex(WEBHOOK_ID), z.literal(OWN_ENDPOINT)]),
    type: webhookEventSchema,
    run: z.int().positive(),
    /** Time of the event, UTC. */
    at: z.iso.datetime(),
  }),
  key: ({ endpoint, type, run }) => `${endpoint}.${type}.${run}`,
});

export const COMMANDS = [
  GenerationPlan,
  ClipGenerate,
  OverlayApply,
  SpeechSpeak,
  StitchRender,
  WebhookDeliver,
] as const;
type Command = (typeof COMMANDS)[number];
type WorkCommand = Extract<Command, { readonly name: WorkCommandName }>;
/** The commands that advance a generation. While one of them is pending, the generation is not stalled. */
export const WORK_COMMANDS = COMMANDS.filter((command): command is WorkCommand =>
  (WORK_COMMAND_NAMES as readonly string[]).includes(command.name),
);
export type GenerationPlanBody = z.infer<typeof GenerationPlan.schema>;
export type ClipGenerateBody = z.infer<typeof ClipGenerate.schema>;
export type OverlayApplyBody = z.infer<typeof OverlayApply.schema>;
export type SpeechSpeakBody = z.infer<typeof SpeechSpeak.schema>;
export type StitchRenderBody = z.infer<typeof StitchRender.schema>;
export type WebhookDeliverBody = z.infer<typeof WebhookDeliver.schema>;
