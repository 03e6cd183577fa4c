/**
 * How servers of OpenAI's chat API say that their safety filter refused a prompt or an answer, and that an answer was cut
 * off. Structured codes only; the one text is of a server that has none.
 */

/** `error.code`, `error.type`, `error.innererror.code` of an HTTP error, in lower case. */
export const REFUSAL_CODES: ReadonlySet<string> = new Set([
  // Azure OpenAI: github.com/microsoft/TinyTroupe/issues/85 (`code`, and `innererror.code` beside it).
  'content_filter',
  'responsibleaipolicyviolation',
  // OpenAI images, and what LiteLLM makes of Azure's: github.com/BerriAI/litellm/pull/16231.
  'content_policy_violation',
  // OpenAI's reasoning models: "your prompt was flagged as potentially violating our usage policy".
  'invalid_prompt',
  'moderation_blocked',
  // Alibaba Model Studio.
  'data_inspection_failed',
]);

/** DeepSeek answers 400, `invalid_request_error`, with this text alone. */
export const REFUSAL_TEXT = 'content exists risk';

/** How `finish_reason` begins, in lower case. Gemini adds its reason: `content_filter: PROHIBITED_CONTENT`. */
export const REFUSAL_FINISHES = ['content_filter', 'safety', 'prohibited_content', 'sensitive', 'refusal'] as const;

/** `finish_reason` of an answer that was cut off: OpenAI's, Mistral's for a full context, Anthropic's. */
export const TRUNCATED_FINISHES: ReadonlySet<string> = new Set(['length', 'model_length', 'max_tokens']);

/** `error.code` of a 400 for an answer of the model that did not fit the schema: Groq's. */
export const BAD_ANSWER_CODE = 'json_validate_failed';
