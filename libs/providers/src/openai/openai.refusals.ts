/**
 * The codes with which servers of OpenAI's chat API report a refusal by their safety filter, and an answer that was cut off. The
 * one text belongs to a server that has no code.
 */

/** `error.code`, `error.type`, `error.innererror.code` of an HTTP error, in lower case. */
export const REFUSAL_CODES: ReadonlySet<string> = new Set([
  // Azure OpenAI: github.com/microsoft/TinyTroupe/issues/85 (`code`, and `innererror.code` beside it).
  'content_filter',
  'responsibleaipolicyviolation',
  // OpenAI images, and Azure's code behind LiteLLM: github.com/BerriAI/litellm/pull/16231.
  'content_policy_violation',
  // OpenAI's reasoning models: "your prompt was flagged as potentially violating our usage policy".
  'invalid_prompt',
  'moderation_blocked',
  // Alibaba Model Studio.
  'data_inspection_failed',
]);

/** DeepSeek answers 400, `invalid_request_error`, and only this text identifies the refusal. */
export const REFUSAL_TEXT = 'content exists risk';

/** Prefixes of `finish_reason`, in lower case. Gemini appends its reason: `content_filter: PROHIBITED_CONTENT`. */
export const REFUSAL_FINISHES = ['content_filter', 'safety', 'prohibited_content', 'sensitive', 'refusal'] as const;

/** Values of `finish_reason` for an answer that was cut off: OpenAI's, Mistral's for a full context, Anthropic's. */
export const TRUNCATED_FINISHES: ReadonlySet<string> = new Set(['length', 'model_length', 'max_tokens']);

/** Groq's `error.code` of a 400 for an answer that does not match the schema. */
export const BAD_ANSWER_CODE = 'json_validate_failed';
