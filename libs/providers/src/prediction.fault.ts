import { type FaultKind } from './fault.kinds.js';
import { REPLICATE_FAULT_CODES, REPLICATE_FAULT_TEXTS } from './replicate.faults.table.js';

/** More of a text is not read: an error may be a whole HTML page. */
const LONGEST = 4000;
/** A shorter prompt is not taken out of a text: its words are in any sentence. */
const SHORTEST_QUOTE = 8;
/** Deeper than any real answer nests its code. */
const DEEPEST = 5;
/** Fields that hold what was sent. */
const SENT_FIELDS: ReadonlySet<string> = new Set(['input', 'prompt']);
/** What was sent, as the validation errors of pydantic quote it in a text. */
const QUOTED_INPUT = /\binput_value=.{0,200}?(?=, input_type=|$)/gs;
const CODE_FIELDS: ReadonlySet<string> = new Set(['code', 'type', 'error_type', 'errorcode', 'status_code']);
/** Codes that stand in a text: `(E005)`, `(code: PA)`, `(1026)`, or the name of one of ModelArk's. */
const IN_TEXT =
  /\bE\d{3,4}\b|\(code: ?[A-Z]{2}\)|\(\d{4}\)|\b(?:Input|Output)?[A-Z][A-Za-z]+(?:Detected|Detection|DetectionError)\b/g;

/**
 * What a reported failure means: by its codes, then by its text, and `model-failed` when neither is known. `quoted` is what
 * was sent, the prompt for example: an error may quote it, as it is or as JSON, and what the user wrote decides nothing.
 * Default: nothing.
 */
export function faultOf(reported: unknown, quoted: readonly string[] = []): FaultKind {
  const structured = typeof reported === 'string' ? parsed(reported) : reported;
  const code = codesIn(structured, 0).find((each) => kindOfCode(each) !== undefined);
  if (code !== undefined) return kindOfCode(code) ?? 'model-failed';
  const isPlain = structured === undefined && typeof reported === 'string';
  const text = withoutQuotes(isPlain ? reported : textsIn(structured, 0).join('\n'), quoted);
  for (const [found] of text.matchAll(IN_TEXT)) {
    const kind = kindOfCode(found.replace(/[()]|code: ?/g, ''));
    if (kind !== undefined) return kind;
  }
  return REPLICATE_FAULT_TEXTS.find(({ pattern }) => pattern.test(text))?.kind ?? 'model-failed';
}

/** A text without what was sent. */
function withoutQuotes(text: string, quoted: readonly string[]): string {
  const quotes = quoted
    .filter(({ length }) => length >= SHORTEST_QUOTE)
    .flatMap((quote) => [quote, JSON.stringify(quote).slice(1, -1)]);
  return quotes
    .reduce((left, quote) => left.split(quote).join(' '), text)
    .slice(0, LONGEST)
    .replace(QUOTED_INPUT, ' ');
}

/** `OutputVideoSensitiveContentDetected.PolicyViolation` is a case of the code before its dot. */
function kindOfCode(code: string): FaultKind | undefined {
  const known = code.split('.', 1)[0] ?? '';
  return Object.hasOwn(REPLICATE_FAULT_CODES, known) ? REPLICATE_FAULT_CODES[known]?.kind : undefined;
}

function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The values of the fields that hold codes, the outermost first. What was sent is not read. */
function codesIn(value: unknown, depth: number): string[] {
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return [];
  const entries = Object.entries(value);
  const own = entries.flatMap(([name, each]) =>
    CODE_FIELDS.has(name.toLowerCase()) && (typeof each === 'string' || typeof each === 'number') ? [String(each)] : [],
  );
  return [...own, ...entries.flatMap(([name, each]) => (SENT_FIELDS.has(name) ? [] : codesIn(each, depth + 1)))];
}

/** The texts and numbers of an answer, without what was sent. */
function textsIn(value: unknown, depth: number): string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return [];
  return Object.entries(value).flatMap(([name, each]) => (SENT_FIELDS.has(name) ? [] : textsIn(each, depth + 1)));
}

/** The texts in what is sent to a provider, those of lists and objects too. */
export const textsSent = (body: unknown): string[] => {
  if (typeof body === 'string') return [body];
  return typeof body === 'object' && body !== null ? Object.values(body).flatMap(textsSent) : [];
};
