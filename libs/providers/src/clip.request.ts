import { artifactSchema, ASPECT_RATIOS } from '@clipmesh/contracts';
import { z } from 'zod';

/** All inputs of a clip. The schema validates requests that are read from a store. */
export const clipRequestSchema = z.object({
  model: z.string(),
  prompt: z.string(),
  /** A duration that the model accepts, seconds. */
  durationSeconds: z.number().positive(),
  aspectRatio: z.enum(ASPECT_RATIOS),
  seed: z.int(),
  /** False: a silent clip, if the model has the choice. Default: true. */
  clipSound: z.boolean().optional(),
  /** The first frame of the clip. */
  referenceImage: artifactSchema.optional(),
  /** Unique key of the purchase. It is sent to the provider, so that the purchase can be found there. */
  attemptKey: z.string().min(1),
});
export type ClipRequest = Readonly<z.infer<typeof clipRequestSchema>>;
