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

/** Default of a job's `fallbackAfter`. */
export const SEQUENTIAL_FALLBACK_AFTER = 3;

/** The job as it is stored and sent: files replaced by artifacts, every choice made. */
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
