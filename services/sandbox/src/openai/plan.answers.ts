import { type PlanAnswerKind } from '../control/answer.forms.js';
import { countTokens } from '../control/pricing.js';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A plan with typical mistakes of language models. */
function sloppy(plan: unknown): unknown {
  if (!isRecord(plan)) return plan;
  const scenes: unknown[] = Array.isArray(plan['scenes']) ? plan['scenes'] : [];
  const style = isRecord(plan['style']) ? plan['style'] : {};
  return {
    ...plan,
    title: 'A title without end '.repeat(13),
    style: { ...style, subject: 'a subject described at full length '.repeat(21) },
    scenes: scenes.filter(isRecord).map(({ role: _role, durationSeconds, ...scene }, index) => ({
      ...scene,
      id: index + 1,
      durationSeconds: index % 2 === 0 ? `${String(durationSeconds)}s` : Number(durationSeconds) + 0.4,
    })),
    hashtags: ['ad'],
  };
}

/** The content of a completion with a plan. */
export function planText(kind: PlanAnswerKind, plan: unknown): string {
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
export interface ChoiceUsage {
  readonly choice: Choice;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** Characters per token. */
const TOKEN_CHARACTERS = 4;

/**
 * The choice of a completion and its charged tokens. Reasoning uses up tokens first, and is not part of the content. An answer longer
 * than `maxTokens` is truncated.
 */
export function choiceOf(
  kind: PlanAnswerKind,
  text: string,
  { thoughtTokens = 0, maxTokens = Infinity }: { thoughtTokens?: number | undefined; maxTokens?: number | undefined },
): ChoiceUsage {
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
    const partial = text.slice(0, 40);
    const filtered = { violence: { filtered: true, severity: 'medium' } };
    return {
      choice: choice(partial, 'content_filter', { content_filter_results: filtered }),
      outputTokens: countTokens(partial),
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

/** Azure OpenAI's error body for a prompt that its filter stopped. */
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
