import { z } from 'zod';
import { artifactSchema } from './job.js';

/** A speech starts this long after its scene, seconds. */
export const SPEECH_START_SECONDS = 0.15;
/** Silence before and after a speech in its scene together, seconds. */
export const SPEECH_PAUSE_SECONDS = 0.3;

/** The words of one scene. */
export const scriptSchema = z.string().min(1).max(400);

/** A speech that fits into its scene. */
export const spokenSchema = z.object({
  speech: artifactSchema,
  /** Duration of the file, seconds. */
  durationSeconds: z.number().positive(),
  /** The speech is played faster by this factor, so that it fits. 1: as it is. */
  tempo: z.number().min(1).max(2),
});
export type Spoken = z.infer<typeof spokenSchema>;

/** The speech of a scene in the state of the director. */
export const speechStateSchema = z.object({
  status: z.enum(['pending', 'spoken', 'failed']),
  /** The run that requested it. */
  run: z.int().positive(),
  /** Number of the command step: counts the speech commands of this scene. */
  attempt: z.int().positive(),
  /** Id of the message that requested it. */
  cause: z.string(),
  /** What was requested. */
  script: scriptSchema,
  durationSeconds: z.int().positive(),
  /** True: only a speech that costs nothing was requested. */
  freeOnly: z.boolean().optional(),
  result: spokenSchema.optional(),
});
export type SpeechState = z.infer<typeof speechStateSchema>;
