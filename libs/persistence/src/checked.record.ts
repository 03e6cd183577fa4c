import { ClipmeshError } from '@clipmesh/contracts';
import { type z } from 'zod';

/** The record as its schema has it; throws `SCHEMA_VIOLATION` naming the place (`bucket x, key y`) and the fields. */
export function checkedRecord<T>(schema: z.ZodType<T>, raw: unknown, place: string): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'record'}: ${issue.message}`).join('; ');
  throw new ClipmeshError('SCHEMA_VIOLATION', `${place}: ${detail}`, { cause: parsed.error });
}
