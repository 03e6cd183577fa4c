import { z } from 'zod';
import { dataUrlPattern } from './data.url.js';
import { ASPECT_RATIOS, DURATION_SECONDS, FRAMEWORKS, SCENE_COUNT, SCENE_SECONDS } from './job.js';
import { controlCharacters, whole } from './text.rules.js';
import { webhookUrlSchema } from './webhook.js';

export const MUSIC_LIMIT_BYTES = 10 * 1024 * 1024;
/** Room for the media type and its parameters in a data URL. */
const HEAD_CHARACTERS = 512;

const musicSchema = z
  .strictObject({
    /** The music as a base64 `data:audio/…` URL, at most 10 MB decoded. The media type may carry parameters. */
    data: z
      .string()
      .regex(dataUrlPattern('audio/[a-z0-9.+-]+'), 'expected a data:audio/…;base64, URL')
      .max(Math.ceil((MUSIC_LIMIT_BYTES * 4) / 3) + HEAD_CHARACTERS),
    /** 0-1. Default: 0.3. */
    volume: z.number().min(0).max(1).default(0.3),
  })
  .meta({ id: 'Music' });

export const REFERENCE_IMAGE_LIMIT_BYTES = 10 * 1024 * 1024;

const referenceImageSchema = z
  .strictObject({
    /** The picture as a base64 `data:image/jpeg` or `data:image/png` URL, at most 10 MB decoded. The media type may carry parameters. */
    data: z
      .string()
      .regex(dataUrlPattern('image/(jpe?g|png)'), 'expected a data:image/jpeg;base64, or data:image/png;base64, URL')
      .max(Math.ceil((REFERENCE_IMAGE_LIMIT_BYTES * 4) / 3) + HEAD_CHARACTERS)
      .optional(),
    /** Where the picture is, https; it is fetched once, before the create is answered. */
    url: z
      .url({ protocol: /^https?$/, error: 'expected a URL that begins with https://' })
      .max(2000)
      .optional(),
  })
  .refine(({ data, url }) => (data === undefined) !== (url === undefined), 'give either data or url')
  .meta({ id: 'ReferenceImage' });

/** What `POST /v1/generations` takes. Unknown fields are refused, so that a misspelt option is never silently ignored. */
export const createGenerationSchema = z
  .strictObject({
    prompt: z
      .string('the prompt is missing, or is no text')
      .trim()
      .min(10, 'the prompt needs at least 10 characters')
      .max(5000, 'the prompt may have at most 5000 characters')
      .refine((text) => !controlCharacters.test(text), 'the prompt contains control characters')
      .refine(whole, 'the prompt contains half of a character (a lone surrogate)'),
    durationSeconds: z.int().min(DURATION_SECONDS.min).max(DURATION_SECONDS.max).default(DURATION_SECONDS.default),
    aspectRatio: z.enum(ASPECT_RATIOS).default('9:16'),
    framework: z.enum(FRAMEWORKS).optional(),
    sceneCount: z.int().min(SCENE_COUNT.min).max(SCENE_COUNT.max).optional(),
    /** Preferred video model; the others of the fallback order follow it. */
    model: z.string().max(100).optional(),
    seed: z.int().min(0).max(2_147_483_647).optional(),
    /** The generation never costs more than this, dollars. */
    maxCostUsd: z.number().positive().max(1_000_000).optional(),
    /** False: nothing is taken from the cache and nothing is put into it, and an open `seed` is drawn by lot. */
    cache: z.boolean().default(true),
    /** `review`: the plan waits for its approval before anything else is bought. */
    mode: z.enum(['auto', 'review']).default('auto'),
    overlays: z.boolean().default(true),
    music: musicSchema.optional(),
    /** What every clip begins from, a JPEG or PNG. */
    referenceImage: referenceImageSchema.optional(),
    parallel: z
      .strictObject({ enabled: z.boolean().default(true), maxWorkers: z.int().min(1).max(12).optional() })
      .optional(),
    /** Is told when the generation ends, and when its plan waits for approval. */
    webhookUrl: webhookUrlSchema.optional(),
    metadata: z
      .record(z.string().max(64), z.string().max(512))
      .refine((map) => Object.keys(map).length <= 20, 'at most 20 entries')
      .refine((map) => Object.entries(map).flat().every(whole), 'half of a character (a lone surrogate)')
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
      // The shortest film is longer than one scene can be.
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
/** The same before defaults are filled in. */
export type CreateGenerationInput = z.input<typeof createGenerationSchema>;
