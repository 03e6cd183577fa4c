import { type FailureKind } from './failure.kinds.js';
import { REPLICATE_FAILURE_CODES, REPLICATE_FAILURE_TEXTS } from './replicate.failures.table.js';
import { jsonOf } from './json.text.js';

/** Only this much of a text is read, because an error may be a whole HTML page, characters. */
const LONGEST = 4000;
/** A shorter prompt is not removed from a text: its words may be in any sentence. */
const SHORTEST_QUOTE = 8;
/** Deeper than the code in any real response. */
const DEEPEST = 5;
/** Fields that repeat the request. */
const SENT_FIELDS: ReadonlySet<string> = new Set(['input', 'prompt']);
/** The request as quoted by pydantic's validation errors. */
const QUOTED_INPUT = /\binput_value=.{0,200}?(?=, input_type=|$)/gs;
const CODE_FIELDS: ReadonlySet<string> = new Set(['code', 'type', 'error_type', 'errorcode', 'status_code']);
/** Codes in a text: `(E005)`, `(code: PA)`, `(1026)`, or a ModelArk code. */
const IN_TEXT =
  /\bE\d{3,4}\b|\(code: ?[A-Z]{2}\)|\(\d{4}\)|\b(?:Input|Output)?[A-Z][A-Za-z]+(?:Detected|Detection|DetectionError)\b/g;

/**
 * The kind of a reported failure: by its codes, then by its text, else `model-failed`. `quoted` are texts of the request, such as the
 * prompt. They are ignored wherever the error quotes them, plain or as JSON: a user's words must not decide the kind. Default: none.
 */
export function failureKindOf(reported: unknown, quoted: readonly string[] = []): FailureKind {
  const structured = typeof reported === 'string' ? jsonOf(reported) : reported;
  const code = codesIn(structured, 0).find((each) => kindOfCode(each) !== undefined);
  if (code !== undefined) return kindOfCode(code) ?? 'model-failed';
  const isPlain = structured === undefined && typeof reported === 'string';
  const text = withoutQuotes(isPlain ? reported : textsOf(structured, 0).join('\n'), quoted);
  for (const [found] of text.matchAll(IN_TEXT)) {
    const kind = kindOfCode(found.replace(/[()]|code: ?/g, ''));
    if (kind !== undefined) return kind;
  }
  return REPLICATE_FAILURE_TEXTS.find(({ pattern }) => pattern.test(text))?.kind ?? 'model-failed';
}

/** The text without quotes of the request: a user's words must not decide what an error means. */
export function withoutQuotes(text: string, quoted: readonly string[]): string {
  const quotes = quoted
    .filter(({ length }) => length >= SHORTEST_QUOTE)
    .flatMap((quote) => [quote, JSON.stringify(quote).slice(1, -1)]);
  return quotes
    .reduce((left, quote) => left.split(quote).join(' '), text)
    .slice(0, LONGEST)
    .replace(QUOTED_INPUT, ' ');
}

/** The code before a dot decides, as in `OutputVideoSensitiveContentDetected.PolicyViolation`. */
function kindOfCode(code: string): FailureKind | undefined {
  const known = code.split('.', 1)[0] ?? '';
  return Object.hasOwn(REPLICATE_FAILURE_CODES, known) ? REPLICATE_FAILURE_CODES[known]?.kind : undefined;
}

/** The values of the code fields, outermost first. Fields that repeat the request are skipped. */
function codesIn(value: unknown, depth: number): string[] {
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return [];
  const entries = Object.entries(value);
  const own = entries.flatMap(([name, each]) =>
    CODE_FIELDS.has(name.toLowerCase()) && (typeof each === 'string' || typeof each === 'number') ? [String(each)] : [],
  );
  return [...own, ...entries.flatMap(([name, each]) => (SENT_FIELDS.has(name) ? [] : codesIn(each, depth + 1)))];
}

/** The texts and numbers of a response. Fields that repeat the request are skipped. */
function textsOf(value: unknown, depth: number): string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return [];
  return Object.entries(value).flatMap(([name, each]) => (SENT_FIELDS.has(name) ? [] : textsOf(each, depth + 1)));
}

/** All texts in a request body, including nested ones. */
export const textsIn = (body: unknown): string[] => {
  if (typeof body === 'string') return [body];
  return typeof body === 'object' && body !== null ? Object.values(body).flatMap(textsIn) : [];
};
