import { z } from 'zod';

export const ASPECT_RATIOS = ['9:16', '16:9', '1:1'] as const;
export type AspectRatio = (typeof ASPECT_RATIOS)[number];
export const FRAMEWORKS = ['PAS', 'BAB', 'AIDA'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

/** Scenes last 3-7 whole seconds. */
export const SCENE_SECONDS = { min: 3, max: 7 } as const;
export const DURATION_SECONDS = { min: 9, max: 60, default: 15 } as const;
export const SCENE_COUNT = { min: 1, max: 12 } as const;

export const GENERATION_ID = /^gen_[0-9a-f]{32}$/;
export const generationIdSchema = z
  .string()
  .regex(GENERATION_ID, 'a generation id looks like gen_ and 32 hexadecimal digits');

/** A stored file, named by the hash of its bytes. */
export const artifactSchema = z.object({
  /** `<first two digits>/<sha256>.<extension>`: where the artifact store keeps it. */
  key: z.string().regex(/^[0-9a-f]{2}\/[0-9a-f]{64}\.[a-z0-9]{2,4}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  contentType: z.string(),
});
export type Artifact = z.infer<typeof artifactSchema>;

/** The one encode profile of a job: every overlaid clip matches it exactly, so that joining is a stream copy. */
export const encodeProfileSchema = z.object({
  width: z.int().min(16).max(4096).multipleOf(2),
  height: z.int().min(16).max(4096).multipleOf(2),
  fps: z.int().min(1).max(60),
});
export type EncodeProfile = z.infer<typeof encodeProfileSchema>;

const SIZES: Record<AspectRatio, { width: number; height: number }> = {
  '9:16': { width: 720, height: 1280 },
  '16:9': { width: 1280, height: 720 },
  '1:1': { width: 720, height: 720 },
};

/** 720 lines on the short side, 24 frames per second. */
export function encodeProfile(aspectRatio: AspectRatio): EncodeProfile {
  return { ...SIZES[aspectRatio], fps: 24 };
}

export const overlayTextSchema = z
  .object({
    text: z.string().min(1).max(200),
    position: z.enum(['top', 'center', 'bottom']).default('bottom'),
    /** Points at 720 lines on the short side; one point is one pixel there. */
    fontSizePt: z.int().min(24).max(96).default(56),
    /** `#rrggbb` */
    color: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/)
      .default('#ffffff'),
    animation: z.enum(['fade', 'slide', 'none']).default('fade'),
    shadow: z.boolean().default(true),
  })
  .meta({ id: 'OverlayText' });
export type OverlayText = z.infer<typeof overlayTextSchema>;

export const scenePlanSchema = z
  .object({
    index: z.int().nonnegative(),
    /** What the scene does in its framework: problem, agitate, solve … */
    role: z.string().min(1).max(40),
    /** What is seen, without the shared style. */
    description: z.string().min(1).max(2000),
    durationSeconds: z.int().min(SCENE_SECONDS.min).max(SCENE_SECONDS.max),
    overlay: overlayTextSchema.optional(),
  })
  .meta({ id: 'ScenePlan' });
export type ScenePlan = z.infer<typeof scenePlanSchema>;

/** Shared markers that are appended to every clip's prompt, so that the clips look alike. */
export const styleSchema = z
  .object({
    style: z.string().max(200),
    palette: z.string().max(200),
    lighting: z.string().max(200),
    composition: z.string().max(200),
    mood: z.string().max(200),
    subject: z.string().max(400),
  })
  .meta({ id: 'Style' });
export type Style = z.infer<typeof styleSchema>;

export const planSchema = z
  .object({
    title: z.string().min(1).max(200),
    framework: z.enum(FRAMEWORKS),
    /** `llm` when a language model wrote it, `template` when it was made without one. */
    source: z.enum(['llm', 'template']),
    style: styleSchema,
    seed: z.int().min(0).max(2_147_483_647),
    durationSeconds: z.int().min(DURATION_SECONDS.min).max(DURATION_SECONDS.max),
    scenes: z.array(scenePlanSchema).min(1).max(SCENE_COUNT.max),
  })
  .meta({ id: 'Plan' });
export type Plan = z.infer<typeof planSchema>;

export const MUSIC_LIMIT_BYTES = 10 * 1024 * 1024;

const musicSchema = z
  .strictObject({
    /** The music bed as a base64 `data:audio/…` URL, at most 10 MB decoded. */
    data: z
      .string()
      .regex(/^data:audio\/[a-z0-9.+-]+;base64,/, 'expected a data:audio/…;base64, URL')
      .max(Math.ceil((MUSIC_LIMIT_BYTES * 4) / 3) + 64),
    /** 0-1; 0.3 unless told. */
    volume: z.number().min(0).max(1).default(0.3),
  })
  .meta({ id: 'Music' });

export const REFERENCE_IMAGE_LIMIT_BYTES = 10 * 1024 * 1024;

const referenceImageSchema = z
  .strictObject({
    /** The picture as a base64 `data:image/jpeg` or `data:image/png` URL, at most 10 MB decoded. */
    data: z
      .string()
      .regex(/^data:image\/(jpeg|png);base64,/, 'expected a data:image/jpeg;base64, or data:image/png;base64, URL')
      .max(Math.ceil((REFERENCE_IMAGE_LIMIT_BYTES * 4) / 3) + 64)
      .optional(),
    /** Where the picture is, https; it is fetched once, before the create is answered. */
    url: z
      .url({ protocol: /^https?$/, error: 'expected a URL that begins with https://' })
      .max(2000)
      .optional(),
  })
  .refine(({ data, url }) => (data === undefined) !== (url === undefined), 'give either data or url')
  .meta({ id: 'ReferenceImage' });

const controlCharacters = /[^\P{Cc}\t\n\r]/u;
/** Half of a character that UTF-16 writes in two: JSON can say it, UTF-8 cannot. */
const halfCharacter = /\p{Cs}/u;
const whole = (text: string): boolean => !halfCharacter.test(text);

const writing = (max: number): z.ZodString =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !controlCharacters.test(text), 'it contains control characters')
    .refine(whole, 'it contains half of a character (a lone surrogate)');

const { position, fontSizePt, color, animation, shadow } = overlayTextSchema.shape;
/** Without the defaults: what is not named stays. */
const overlayEditSchema = z
  .strictObject({
    text: writing(200),
    position: position.unwrap(),
    fontSizePt: fontSizePt.unwrap(),
    color: color.unwrap(),
    animation: animation.unwrap(),
    shadow: shadow.unwrap(),
  })
  .partial();

const sceneChanges = {
  description: writing(2000).optional(),
  durationSeconds: z.int().min(SCENE_SECONDS.min).max(SCENE_SECONDS.max).optional(),
  /** null takes the text away; a scene without one needs `text`. */
  overlay: overlayEditSchema.nullable().optional(),
};

/** What `PATCH /v1/generations/{id}/plan` takes: what is named changes, the rest stays. */
export const planEditSchema = z
  .strictObject({
    title: writing(200).optional(),
    style: z
      .strictObject({
        style: writing(200),
        palette: writing(200),
        lighting: writing(200),
        composition: writing(200),
        mood: writing(200),
        subject: writing(400),
      })
      .partial()
      .optional(),
    /** The scenes that change, by their index. */
    scenes: z
      .array(z.strictObject({ index: z.int().nonnegative(), ...sceneChanges }))
      .max(SCENE_COUNT.max)
      .optional(),
  })
  .meta({ id: 'PlanEdit' });
export type PlanEdit = z.infer<typeof planEditSchema>;

/** What `POST /v1/generations/{id}/scenes/{n}/regenerate` takes; of the scene what is named changes. */
export const sceneEditSchema = z
  .strictObject({
    ...sceneChanges,
    /** Another seed is another clip; drawn by lot unless told. */
    seed: z.int().min(0).max(2_147_483_647).optional(),
  })
  .meta({ id: 'SceneEdit' });
export type SceneEdit = z.infer<typeof sceneEditSchema>;

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

/** The job as it is stored and sent: files replaced by artifacts, every choice made. */
/** Default of a job's `fallbackAfter`. */
export const SEQUENTIAL_FALLBACK_AFTER = 3;

export const jobSchema = z.object({
  prompt: z.string(),
  durationSeconds: z.int(),
  aspectRatio: z.enum(ASPECT_RATIOS),
  framework: z.enum(FRAMEWORKS).optional(),
  sceneCount: z.int().optional(),
  seed: z.int(),
  /** False: the cache is neither read nor written. True unless told. */
  cache: z.boolean().optional(),
  overlays: z.boolean(),
  /** True: the plan waits for its approval. */
  review: z.boolean().optional(),
  music: z.object({ artifact: artifactSchema, volume: z.number() }).optional(),
  /** What every clip begins from. */
  referenceImage: artifactSchema.optional(),
  /** Video models in the order they are tried. */
  models: z.array(z.string()).min(1),
  /** Most scenes of this generation in flight at once; 1 when parallel generation is off. */
  window: z.int().min(1).max(12),
  /** Setbacks of the provider after which the scenes that are left run one after another. */
  fallbackAfter: z.int().positive().default(SEQUENTIAL_FALLBACK_AFTER),
  /** The generation never costs more than this, micro-dollars; absent: no cap. */
  maxCostMicros: z.int().nonnegative().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
export type Job = z.infer<typeof jobSchema>;
