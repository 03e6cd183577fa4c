import { z } from 'zod';
import { dataUrlPattern } from '../text/data.url.js';
import { ASPECT_RATIOS, DURATION_SECONDS, FRAMEWORKS, MUSIC_VOLUME, SCENE_COUNT, SCENE_SECONDS } from './job.js';
import { MUSIC_MOODS } from './moods.js';
import { textLookSchema } from './text.look.js';
import { isSpeakable } from '../text/spoken.seconds.js';
import { controlCharacters, isWellFormed, textSchema } from '../text/text.rules.js';
import { TRANSITIONS } from './transition.js';
import { webhookUrlSchema } from './webhook.js';

export const MUSIC_LIMIT_BYTES = 10 * 1024 * 1024;
/** Allowance for the media type and its parameters in a data URL, characters. */
const HEAD_CHARACTERS = 512;

const musicSchema = z
  .strictObject({
    /** A bed of Clipmesh by its mood; `none`: no music. */
    bed: z.enum([...MUSIC_MOODS, 'none']).optional(),
    /** Base64 `data:audio/…` URL, at most 10 MB decoded. The media type may have parameters. */
    data: z
      .string()
      .regex(dataUrlPattern('audio/[a-z0-9.+-]+'), 'expected a data:audio/…;base64, URL')
      .max(Math.ceil((MUSIC_LIMIT_BYTES * 4) / 3) + HEAD_CHARACTERS)
      .optional(),
    /** Volume, 0 to 1. Default: 0.3. */
    volume: z.number().min(0).max(1).default(MUSIC_VOLUME),
  })
  .refine(({ bed, data }) => bed === undefined || data === undefined, 'give either bed or data')
  .meta({ id: 'Music' });

/** Longest script of a voice-over, characters: more is not spoken in 60 s. */
const SCRIPT_LIMIT = 2000;
const voiceoverSchema = z
  .strictObject({
    /** In the provider's spelling. Default: `SPEECH_VOICE`. */
    voice: textSchema(200).optional(),
    /** 1 is normal. Default: 1. */
    speed: z.number().min(0.5).max(2).optional(),
    /** Words of the whole video, spread over its scenes. Default: the scripts of the plan. */
    script: textSchema(SCRIPT_LIMIT).refine(isSpeakable, 'there is nothing to speak').optional(),
  })
  .meta({ id: 'Voiceover' });

export const REFERENCE_IMAGE_LIMIT_BYTES = 10 * 1024 * 1024;

const referenceImageSchema = z
  .strictObject({
    /** Base64 `data:image/jpeg` or `data:image/png` URL, at most 10 MB decoded. The media type may have parameters. */
    data: z
      .string()
      .regex(dataUrlPattern('image/(jpe?g|png)'), 'expected a data:image/jpeg;base64, or data:image/png;base64, URL')
      .max(Math.ceil((REFERENCE_IMAGE_LIMIT_BYTES * 4) / 3) + HEAD_CHARACTERS)
      .optional(),
    /** The https URL of the image. The gateway fetches it once, before it answers the create. */
    url: z
      .url({ protocol: /^https?$/, error: 'expected a URL that begins with https://' })
      .max(2000)
      .optional(),
  })
  .refine(({ data, url }) => (data === undefined) !== (url === undefined), 'give either data or url')
  .meta({ id: 'ReferenceImage' });

/** Body of `POST /v1/generations`. Unknown fields are rejected, so that a misspelt option is never silently ignored. */
export const createGenerationSchema = z
  .strictObject({
    prompt: z
      .string('the prompt is missing or not a string')
      .trim()
      .min(10, 'the prompt needs at least 10 characters')
      .max(5000, 'the prompt may have at most 5000 characters')
      .refine((text) => !controlCharacters.test(text), 'the prompt contains control characters')
      .refine(isWellFormed, 'the prompt contains a lone surrogate'),
    durationSeconds: z.int().min(DURATION_SECONDS.min).max(DURATION_SECONDS.max).default(DURATION_SECONDS.default),
    aspectRatio: z.enum(ASPECT_RATIOS).default('9:16'),
    framework: z.enum(FRAMEWORKS).optional(),
    sceneCount: z.int().min(SCENE_COUNT.min).max(SCENE_COUNT.max).optional(),
    /** Preferred video model. The other models follow in fallback order. */
    model: z.string().max(100).optional(),
    seed: z.int().min(0).max(2_147_483_647).optional(),
    /** Limit of the cost of the generation, US dollars. */
    maxCostUsd: z.number().positive().max(1_000_000).optional(),
    /** False: the cache is neither read nor written, and `seed` defaults to a random one. Default: true. */
    cache: z.boolean().default(true),
    /**
     * `review`: the plan waits for approval before clips are bought. `draft`: the same, with a draft of the whole video, for which no
     * clip is bought. Default: `auto`.
     */
    mode: z.enum(['auto', 'review', 'draft']).default('auto'),
    overlays: z.boolean().default(true),
    /** How every scene but the first begins. Default: the plan chooses for each scene. */
    transition: z.enum(TRANSITIONS).optional(),
    /** How the texts look. Default: `classic`. */
    look: textLookSchema.optional(),
    /** Without a bed or data: the bed that the plan chooses. null: no music. */
    music: musicSchema.nullable().optional(),
    /** The video is spoken. `{}`: with every default. Absent: it is not. */
    voiceover: voiceoverSchema.optional(),
    /** `drop`: the video has no sound of its clips, and silent clips are bought where they cost less. Default: `keep`. */
    clipAudio: z.enum(['keep', 'drop']).default('keep'),
    /** First frame of every clip, a JPEG or PNG. */
    referenceImage: referenceImageSchema.optional(),
    parallel: z
      .strictObject({ enabled: z.boolean().default(true), maxWorkers: z.int().min(1).max(12).optional() })
      .optional(),
    /** Receives an event when the generation ends and when its plan or draft waits for approval. */
    webhookUrl: webhookUrlSchema.optional(),
    metadata: z
      .record(z.string().max(64), z.string().max(512))
      .refine((map) => Object.keys(map).length <= 20, 'at most 20 entries')
      .refine((map) => Object.entries(map).flat().every(isWellFormed), 'a text contains a lone surrogate')
      .optional(),
  })
  .superRefine((body, context) => {
    const { sceneCount, durationSeconds } = body;
    if (sceneCount === undefined) return;
    if (durationSeconds < sceneCount * SCENE_SECONDS.min || durationSeconds > sceneCount * SCENE_SECONDS.max) {
      const least = Math.ceil(durationSeconds / SCENE_SECONDS.max);
      const most = Math.min(SCENE_COUNT.max, Math.floor(durationSeconds / SCENE_SECONDS.min));
      const shortest = Math.max(DURATION_SECONDS.min, sceneCount * SCENE_SECONDS.min);
      const longest = Math.min(DURATION_SECONDS.max, sceneCount * SCENE_SECONDS.max);
      // One scene cannot be as long as the shortest video.
      const other = shortest > longest ? '' : `, or a duration of ${shortest}-${longest} s`;
      context.addIssue({
        code: 'custom',
        path: ['sceneCount'],
        message: `${durationSeconds} s cannot be cut into ${sceneCount} scene${sceneCount === 1 ? '' : 's'} of ${SCENE_SECONDS.min}-${SCENE_SECONDS.max} s; choose ${least}-${most} scenes${other}`,
      });
    }
  })
  .meta({ id: 'CreateGeneration' });
export type CreateGeneration = z.infer<typeof createGenerationSchema>;
/** {@link CreateGeneration} before defaults are applied. */
export type CreateGenerationInput = z.input<typeof createGenerationSchema>;
