import { type CallForm, type FormPart } from './call.form.js';

/** Statuses of a refused request. Old servers of llama.cpp answer 500, OpenRouter 404. */
export const REFUSAL_STATUSES: ReadonlySet<number> = new Set([400, 404, 422, 500, 501]);
/** The words for a field that a server does not take, not for a value that is too large. */
export const NOT_TAKEN =
  /unsupported|not supported|does not support|unrecogni[sz]ed|unknown|unexpected|not permitted|extra_forbidden|not allowed|only allowed|cannot find field/i;
/** OpenAI's code for a request that is too long, whose text counts the tokens of every field. */
const TOO_LONG = /context_length_exceeded|maximum context length/i;

/** What a server says that refuses a format. form.refusals.spec.ts has a real message for each. */
const FORMAT_PATTERNS: readonly RegExp[] = [
  // OpenAI, Azure, DeepSeek, Groq, LM Studio, llama.cpp, vLLM.
  /response[_ ]format/i,
  /json[_ ](?:schema|object|mode)/i,
  // vLLM and llama.cpp compile the schema to a grammar.
  /\bgrammar\b/i,
  // Ollama.
  /invalid format\b/i,
  // OpenRouter, when no server behind it takes all fields.
  /no endpoints found that can handle the requested parameters/i,
];

/**
 * The parts of the form that an error response refuses; empty when it is about something else. `text` is the error's message with its
 * codes, without quotes of the prompt.
 */
export function refusedIn({ status, text }: { status: number; text: string }, form: CallForm): Set<FormPart> {
  const refused = new Set<FormPart>();
  if (!REFUSAL_STATUSES.has(status) || TOO_LONG.test(text)) return refused;
  if (FORMAT_PATTERNS.some((pattern) => pattern.test(text))) refused.add('format');
  if (!NOT_TAKEN.test(text)) return refused;
  const [field] = form.maxTokensFields;
  if (field !== undefined && new RegExp(`\\b${field}\\b`).test(text)) refused.add('maxTokensFields');
  if (/\b(?:store|metadata)\b/.test(text)) refused.add('stores');
  return refused;
}
