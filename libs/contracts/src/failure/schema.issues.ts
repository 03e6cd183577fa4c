import { type z } from 'zod';
import { ClipmeshError } from './failure.js';

/** The issues of a schema error as one text: `scenes.0.text: …; seed: …`. `root` names the whole value. Default: `body`. */
export function issueText({ issues }: z.ZodError, root = 'body'): string {
  return issues.map(({ path, message }) => `${path.join('.') || root}: ${message}`).join('; ');
}

/** Validates a value. Throws `SCHEMA_VIOLATION` with what the value is and its {@link issueText}. */
export function checkedValue<T>(schema: z.ZodType<T>, value: unknown, what: string, root?: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ClipmeshError('SCHEMA_VIOLATION', `${what}: ${issueText(parsed.error, root)}`, { cause: parsed.error });
}
