import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { failureKind } from './failure.kind.js';
import { checkedValue, issueText } from './schema.issues.js';

const schema = z.object({
  seed: z.int('must be a number'),
  scenes: z.array(z.object({ text: z.string('must be text') })),
});
const errorOf = (value: unknown): z.ZodError => {
  const { error } = schema.safeParse(value);
  if (error === undefined) throw new Error('the value is valid');
  return error;
};

describe('the text of a schema error', () => {
  it('names every field', () => {
    expect(issueText(errorOf({ seed: 'x', scenes: [{ text: 'a' }, {}] }))).toBe(
      'seed: must be a number; scenes.1.text: must be text',
    );
  });

  it('names the whole value by its root', () => {
    const { message = '' } = errorOf(7).issues[0] ?? {};
    expect(issueText(errorOf(7))).toBe(`body: ${message}`);
    expect(issueText(errorOf(7), 'record')).toBe(`record: ${message}`);
  });
});

describe('a checked value', () => {
  it('is what the schema makes of it', () => {
    expect(checkedValue(z.string().transform(Number), '7', 'a number')).toBe(7);
  });

  it('that is not valid fails with SCHEMA_VIOLATION and says what it is', () => {
    let error: unknown;
    try {
      checkedValue(schema, { seed: 1 }, 'bucket b, key k', 'record');
    } catch (cause) {
      error = cause;
    }
    expect(failureKind(error)).toEqual({ code: 'SCHEMA_VIOLATION', retryable: false });
    expect((error as Error).message).toMatch(/^bucket b, key k: scenes: /);
  });
});
