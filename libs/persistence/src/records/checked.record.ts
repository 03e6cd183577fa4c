import { ClipmeshError } from '@clipmesh/contracts';
import { type z } from 'zod';

/** Parses a record. Throws `SCHEMA_VIOLATION` with the place (`bucket x, key y`) and the invalid fields. */
export function checkedRecord<T>(schema: z.ZodType<T>, raw: unknown, place: string): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'record'}: ${issue.message}`).join('; ');
  throw new ClipmeshError('SCHEMA_VIOLATION', `${place}: ${detail}`, { cause: parsed.error });
}
