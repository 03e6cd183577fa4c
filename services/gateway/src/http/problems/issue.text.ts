import { cutText } from '@clipmesh/contracts';
import { z } from 'zod';
import { didYouMean } from './suggestion.js';

/** An entry of a problem's `errors`: a field of a request and its error. */
export interface FieldError {
  /** Path of the field (`scenes.0.overlay.color`), name of the parameter or header, or `body`. */
  readonly field: string;
  readonly message: string;
}

/** Maximum number of errors in one response. */
const MAX_ERRORS = 20;
const MAX_CHARACTERS = 64;

/** A client's text, cut to a length that is safe to return. */
export const shorten = (text: string): string => cutText(text, MAX_CHARACTERS);

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};
const typeName = (input: unknown): string => {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'an array';
  if (typeof input === 'number') return String(input);
  return TYPES[typeof input] ?? 'something else';
};

type Issue = z.core.$ZodRawIssue;
const count = (limit: unknown, what: string): string => `${String(limit)} ${what}${Number(limit) === 1 ? '' : 's'}`;

function limitText(word: 'least' | 'most', origin: string, limit: unknown, inclusive: boolean | undefined): string {
  if (origin === 'string') return `have at ${word} ${count(limit, 'character')}`;
  if (origin === 'array') return `have at ${word} ${count(limit, 'value')}`;
  const strict = word === 'least' ? 'more than' : 'less than';
  return `be ${inclusive === false ? strict : `at ${word}`} ${String(limit)}`;
}

/** The message for an issue. Undefined for kinds without a message of their own. */
function textOf(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      const type = TYPES[issue.inst instanceof z.ZodNumberFormat ? 'int' : issue.expected] ?? 'a value of another type';
      return issue.input === undefined
        ? `is missing; it must be ${type}`
        : `must be ${type}, not ${typeName(issue.input)}`;
    }
    case 'too_small':
      return `must ${limitText('least', issue.origin, issue.minimum, issue.inclusive)}`;
    case 'too_big':
      return `must ${limitText('most', issue.origin, issue.maximum, issue.inclusive)}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const meant = typeof issue.input === 'string' ? didYouMean(issue.input, values) : '';
      return `must be one of ${values.join(', ')}${meant}`;
    }
    case 'unrecognized_keys': {
      const known = fieldsOf(issue.inst);
      return issue.keys
        .slice(0, MAX_ERRORS)
        .map((key) => `unknown field ${shorten(key)}${didYouMean(key, known)}`)
        .join('; ');
    }
    case 'invalid_key':
      return `the name of an entry must ${issue.issues.map(({ message }) => message.replace(/^must /, '')).join('; ')}`;
    case 'invalid_format':
      return 'has an invalid format';
    case 'invalid_union':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
      return undefined;
  }
}

/** The fields of an object's schema, also when the object is transformed. */
export const fieldsOf = (schema: unknown): string[] => {
  if (schema instanceof z.ZodPipe) return fieldsOf(schema.in);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
};

/** Validates a value, and turns schema errors into messages. A schema's own message takes precedence. */
export function checkValue<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly errors: readonly FieldError[] } {
  const parsed = schema.safeParse(value, { error: (issue) => textOf(issue) ?? 'is not valid' });
  if (parsed.success) return { ok: true, value: parsed.data };
  const errors = parsed.error.issues.slice(0, MAX_ERRORS).map(({ path, message }) => ({
    field: path.map((step) => shorten(String(step))).join('.') || 'body',
    message,
  }));
  return { ok: false, errors };
}
