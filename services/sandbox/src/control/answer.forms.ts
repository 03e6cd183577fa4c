/** The forms of a model's output. The last three have no video. */
export const OUTPUT_FORMS = ['url', 'array', 'object', 'nested', 'files', 'data', 'null', 'empty', 'text'] as const;
export type OutputForm = (typeof OUTPUT_FORMS)[number];

/** The kinds of completions, in the forms of real servers. */
export const PLAN_ANSWERS = [
  'plan',
  /** A plan in a Markdown fence, with prose around it. */
  'fenced',
  /** A plan after `<think>…</think>`, as from Qwen and DeepSeek on a server without a reasoning parser. */
  'thoughts',
  /** A plan with a too long title and subject, durations as strings, no roles, and unknown keys. */
  'sloppy',
  /** The model refuses, with `refusal` instead of content. */
  'refusal',
  /** The content filter stops the answer, with `finish_reason: content_filter`. Charged. */
  'content-filter',
  /** The content filter stops the prompt, with Azure OpenAI's 400. Not charged. */
  'prompt-filter',
] as const;
export type PlanAnswerKind = (typeof PLAN_ANSWERS)[number];

/** The kinds of answers of the speech API. All are charged. */
export const SPEECH_ANSWERS = [
  'audio',
  /** No byte. */
  'empty',
  /** Half of the audio, as if it were whole. */
  'short',
  /** Two seconds of silence, as WAV. */
  'silent',
  /** The connection ends in the middle. */
  'broken',
  /** An HTML page with status 200. */
  'page',
  /** The audio, as `application/octet-stream`. */
  'wrong-type',
] as const;
export type SpeechAnswerKind = (typeof SPEECH_ANSWERS)[number];
