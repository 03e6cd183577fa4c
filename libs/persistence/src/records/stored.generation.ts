import { type GenerationRecord, generationRecordSchema } from '@clipmesh/contracts';
import { z } from 'zod';

/** Names that fields of a generation's state had in version 0.1.0, and their present names. */
const RENAMED = { former: 'previousResult', setbacks: 'failures' } as const;

/**
 * Schema of a stored generation. Accepts records of version 0.1.0 and returns them with the present field names, so that the
 * next save writes these.
 */
export const storedGenerationSchema: z.ZodType<GenerationRecord> = z.preprocess(
  (raw) => (isObject(raw) && isObject(raw['state']) ? { ...raw, state: renamed(raw['state']) } : raw),
  generationRecordSchema,
);

function renamed(state: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const next = { ...state };
  for (const [old, name] of Object.entries(RENAMED)) if (old in state && !(name in state)) next[name] = state[old];
  return next;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
