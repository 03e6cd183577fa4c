import { z } from 'zod';
import { MUSIC_MOODS } from './moods.js';
import { textLookSchema } from './text.look.js';
import { blendSchema, TRANSITIONS } from './transition.js';

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

/** A stored file, addressed by the hash of its content. */
export const artifactSchema = z.object({
  /** Path in the artifact store: `<first two digits>/<sha256>.<extension>`. */
  key: z.string().regex(/^[0-9a-f]{2}\/[0-9a-f]{64}\.[a-z0-9]{2,4}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().nonnegative(),
  contentType: z.string(),
});
export type Artifact = z.infer<typeof artifactSchema>;

/** What the viewer of a scene will miss, for example the sound of its clip. */
export const warningsSchema = z.array(z.string().max(300)).max(10);

/** The best picture of a scene for the thumbnail of its video, and what was measured on it. */
export const thumbnailSchema = z.object({
  /** A JPEG of the size of the video. */
  picture: artifactSchema,
  /** Mean luma, 0-255; black is 16 and white is 235. */
  luma: z.number().min(0).max(255),
  /** Luma between the darkest and the brightest tenth of the pixels, 0-255. */
  contrast: z.number().min(0).max(255),
  /** Bytes of the JPEG per pixel. */
  detail: z.number().nonnegative(),
});
export type Thumbnail = z.infer<typeof thumbnailSchema>;

/** The pictures of a transition between two scenes. */
export const blendedSchema = z.object({
  kind: blendSchema,
  clip: artifactSchema,
  /** Keys of the overlaid files that it was made from. With another file it is not used. */
  from: z.string(),
  to: z.string(),
});
export type Blended = z.infer<typeof blendedSchema>;

/** The encode profile of a job. All overlaid clips match it exactly, so that joining is a stream copy. */
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

/** The profile of an aspect ratio: 720 pixels on the short side, 24 frames per second. */
export function encodeProfile(aspectRatio: AspectRatio): EncodeProfile {
  return { ...SIZES[aspectRatio], fps: 24 };
}

/** The model of a draft: Clipmesh draws its clips. It is free and has no provider. */
export const DRAFT_MODEL = 'clipmesh/animatic';

/** Volume of music, unless the request says another one. */
export const MUSIC_VOLUME = 0.3;
/** Default of `fallbackAfter` of a job. */
export const SEQUENTIAL_FALLBACK_AFTER = 3;

/** The stored and sent job: files are artifacts, and every default is resolved. */
export const jobSchema = z.object({
  prompt: z.string(),
  durationSeconds: z.int(),
  aspectRatio: z.enum(ASPECT_RATIOS),
  framework: z.enum(FRAMEWORKS).optional(),
  sceneCount: z.int().optional(),
  seed: z.int(),
  /** False: the cache is neither read nor written. Default: true. */
  cache: z.boolean().optional(),
  overlays: z.boolean(),
  /** How the texts look. Absent: `classic`. */
  look: textLookSchema.optional(),
  /** True: the plan waits for approval. Default: false. */
  review: z.boolean().optional(),
  /** True: a draft is made, and clips are bought once it is approved. Default: false. */
  draft: z.boolean().optional(),
  /** With a budget of the owner: the most that the plan of a draft can cost, micro-dollars. A draft reserves only this. */
  planMaxMicros: z.int().nonnegative().optional(),
  /** Uploaded music, or a bed. With neither, the plan chooses the bed. Absent: the same, at the default volume. */
  music: z
    .object({
      artifact: artifactSchema.optional(),
      bed: z.enum([...MUSIC_MOODS, 'none']).optional(),
      volume: z.number(),
    })
    .optional(),
  /** The scripts of the plan are spoken. Absent: nothing is. */
  voiceover: z
    .object({
      voice: z.string().optional(),
      speed: z.number().optional(),
      /** Words of the whole video, which replace the scripts of the plan. */
      script: z.string().optional(),
      /** The most that the speech of one scene can cost, micro-dollars. Absent: the price is unknown. */
      sceneMaxMicros: z.int().nonnegative().optional(),
    })
    .optional(),
  /** First frame of every clip. */
  referenceImage: artifactSchema.optional(),
  /** False: the sound of the clips is not used, and silent clips are bought where they cost less. Default: true. */
  clipSound: z.boolean().optional(),
  /** Video models in fallback order. */
  models: z.array(z.string()).min(1),
  /** Maximum number of scenes in flight. 1: parallel generation is off. */
  window: z.int().min(1).max(12),
  /** Number of provider failures after which the remaining scenes run one after another. */
  fallbackAfter: z.int().positive().default(SEQUENTIAL_FALLBACK_AFTER),
  /** Limit of the cost of the generation, micro-dollars. Absent: no limit. */
  maxCostMicros: z.int().nonnegative().optional(),
  /** How every scene but the first begins. Absent: the plan chooses for each scene. */
  transition: z.enum(TRANSITIONS).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
export type Job = z.infer<typeof jobSchema>;
