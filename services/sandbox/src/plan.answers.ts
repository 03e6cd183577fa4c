import { countTokens } from './pricing.js';

/** What a completion may be instead of a plain plan, as real servers answer. */
export const PLAN_ANSWERS = [
  'plan',
  /** In a Markdown fence, with prose around it. */
  'fenced',
  /** After `<think>…</think>`, as Qwen and DeepSeek answer through a server without a parser of thoughts. */
  'thoughts',
  /** A title of 260 and a subject of 720 characters, lengths as texts, no roles, a key too many. */
  'sloppy',
  /** The model refuses: `refusal` instead of content. */
  'refusal',
  /** The filter stops the answer: `finish_reason: content_filter`. Charged. */
  'content-filter',
  /** The filter stops the prompt, as Azure OpenAI says it: 400. Not charged. */
  'prompt-filter',
] as const;
export type PlanAnswerKind = (typeof PLAN_ANSWERS)[number];

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A plan with the faults that language models make. */
function sloppy(plan: unknown): unknown {
  if (!isRecord(plan)) return plan;
  const scenes: unknown[] = Array.isArray(plan['scenes']) ? plan['scenes'] : [];
  const style = isRecord(plan['style']) ? plan['style'] : {};
  return {
    ...plan,
    title: 'A title without end '.repeat(13),
    style: { ...style, subject: 'a subject that is told at length '.repeat(22) },
    scenes: scenes.filter(isRecord).map(({ role: _role, durationSeconds, ...scene }, index) => ({
      ...scene,
      id: index + 1,
      durationSeconds: index % 2 === 0 ? `${String(durationSeconds)}s` : Number(durationSeconds) + 0.4,
    })),
    hashtags: ['ad'],
  };
}

/** The text of a completion that holds a plan. */
export function writtenAs(kind: PlanAnswerKind, plan: unknown): string {
  const json = JSON.stringify(plan);
  if (kind === 'fenced') return `Here is your plan:\n\n\`\`\`json\n${json}\n\`\`\`\n\nLet me know what you think!`;
  if (kind === 'thoughts') return `<think>\nThe user wants a plan, {"scenes": […]}.\n</think>\n\n${json}`;
  return kind === 'sloppy' ? JSON.stringify(sloppy(plan)) : json;
}

export interface Choice {
  readonly index: 0;
  readonly message: { role: 'assistant'; content: string | null; refusal: string | null };
  readonly logprobs: null;
  readonly finish_reason: 'stop' | 'length' | 'content_filter';
  readonly content_filter_results?: object;
}
export interface Written {
  readonly choice: Choice;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** Four characters are one token. */
const TOKEN_CHARACTERS = 4;

/**
 * The choice of a completion, and the tokens it is charged for. Thoughts come first and are not shown; an answer longer than
 * `maxTokens` is cut off.
 */
export function choiceOf(
  kind: PlanAnswerKind,
  text: string,
  { thoughtTokens = 0, maxTokens = Infinity }: { thoughtTokens?: number | undefined; maxTokens?: number | undefined },
): Written {
  const choice = (content: string | null, finish: Choice['finish_reason'], more: object = {}): Choice => ({
    index: 0,
    message: { role: 'assistant', content, refusal: null },
    logprobs: null,
    finish_reason: finish,
    ...more,
  });
  if (kind === 'refusal') {
    const refusal = "I'm sorry, I can't assist with that request.";
    const { message, ...rest } = choice(null, 'stop');
    return {
      choice: { ...rest, message: { ...message, refusal } },
      outputTokens: countTokens(refusal),
      reasoningTokens: 0,
    };
  }
  if (kind === 'content-filter') {
    const begun = text.slice(0, 40);
    const filtered = { violence: { filtered: true, severity: 'medium' } };
    return {
      choice: choice(begun, 'content_filter', { content_filter_results: filtered }),
      outputTokens: countTokens(begun),
      reasoningTokens: 0,
    };
  }
  const reasoningTokens = Math.min(thoughtTokens, maxTokens);
  const room = maxTokens - reasoningTokens;
  if (countTokens(text) <= room)
    return { choice: choice(text, 'stop'), outputTokens: reasoningTokens + countTokens(text), reasoningTokens };
  return {
    choice: choice(text.slice(0, room * TOKEN_CHARACTERS), 'length'),
    outputTokens: maxTokens,
    reasoningTokens,
  };
}

/** Azure OpenAI's body of a prompt that its filter has stopped. */
export const PROMPT_FILTERED = {
  error: {
    message:
      "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
    type: null,
    param: 'prompt',
    code: 'content_filter',
    status: 400,
    innererror: {
      code: 'ResponsibleAIPolicyViolation',
      content_filter_result: {
        hate: { filtered: false, severity: 'safe' },
        jailbreak: { filtered: false, detected: false },
        self_harm: { filtered: false, severity: 'safe' },
        sexual: { filtered: false, severity: 'safe' },
        violence: { filtered: true, severity: 'medium' },
      },
    },
  },
} as const;
