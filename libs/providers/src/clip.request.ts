import { artifactSchema, ASPECT_RATIOS } from '@clipmesh/contracts';
import { z } from 'zod';

/** Everything a clip is made from, checked when it is read back from a store. */
export const clipRequestSchema = z.object({
  model: z.string(),
  prompt: z.string(),
  /** A length the model accepts, seconds. */
  durationSeconds: z.number().positive(),
  aspectRatio: z.enum(ASPECT_RATIOS),
  seed: z.int(),
  /** What the clip begins from. */
  referenceImage: artifactSchema.optional(),
  /** Unique per attempt. Travels with the purchase, so that it can be found again at the provider. */
  attemptKey: z.string().min(1),
});
export type ClipRequest = Readonly<z.infer<typeof clipRequestSchema>>;
