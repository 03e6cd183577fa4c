import { type Charge, ClipmeshError, planDraftSchema } from '@clipmesh/contracts';
import { completionCostMicros, llmPrice, type LlmPrice, repairPlan } from '@clipmesh/pipeline';
import { z } from 'zod';
import { REFUSAL_FINISHES, TRUNCATED_FINISHES } from './openai.refusals.js';
import { type PlanAnswer } from './ports.js';
import { errorOfStatus } from './provider.errors.js';

/** A plan answer as it was kept. */
export const planAnswerSchema: z.ZodType<PlanAnswer> = z.object({
  draft: planDraftSchema,
  completionId: z.string(),
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  model: z.string(),
});

/** Content is a text, or a list of parts of which some are the model's thoughts. */
const contentSchema = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string().optional(), text: z.string().optional() })).transform((parts) =>
    parts
      .filter(({ type }) => type === undefined || type === 'text' || type === 'output_text')
      .map(({ text }) => text ?? '')
      .join(''),
  ),
]);
const tokens = z.number().nonnegative().transform(Math.ceil);
/** OpenRouter reports what went wrong behind it in a 200. */
const errorSchema = z.looseObject({ code: z.union([z.number(), z.string()]).nullish(), message: z.string() });
const completionSchema = z.object({
  id: z.string().nullish(),
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z
          .object({
            content: contentSchema.nullish(),
            refusal: z.string().nullish(),
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
          })
          .nullish(),
        error: errorSchema.nullish(),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: tokens, completion_tokens: tokens }).nullish(),
});
const failedSchema = z.object({ error: errorSchema });

/** What is known of a call whose answer is read. */
export interface Asked {
  /** The model that was asked for. */
  readonly model: string;
  /** The key of the call. */
  readonly key: string;
  /** Configured price. Default: of the model that answered, else of the one that was asked. */
  readonly price?: LlmPrice | undefined;
  /** Most tokens that the answer could have; undefined when that is not known. */
  readonly maxTokens?: number | undefined;
  /** The prompt: an error may quote it. Default: not known. */
  readonly prompt?: string;
}

/** Ollama draws one of a thousand ids. A charge needs one that is unique. */
const DRAWN_ID = /^chatcmpl-\d{1,3}$/;
const idOf = (id: string | null | undefined, key: string): string =>
  id && !DRAWN_ID.test(id) ? id : [id ?? 'completion', key].join('.');

/**
 * Reads a completion. Throws `PREDICTION_REFUSED`, `PLAN_TRUNCATED`, `PROVIDER_BAD_ANSWER` or what a failed call throws,
 * each with what was charged. A plan that {@link repairPlan} can mend is an answer.
 */
export function answerOf(answer: unknown, asked: Asked): PlanAnswer {
  const parsed = completionSchema.safeParse(answer);
  if (!parsed.success) throw failedCall(answer, [], asked) ?? noCompletion(parsed.error);
  const { choices, usage } = parsed.data;
  const [choice] = choices;
  const message = choice?.message;
  const thoughts = message?.reasoning_content ?? message?.reasoning ?? '';
  const content = message?.content ?? '';
  const used = {
    completionId: idOf(parsed.data.id, asked.key),
    model: parsed.data.model ?? asked.model,
    inputTokens: usage?.prompt_tokens ?? 0,
    // Without usage a byte counts as a token: a ledger may over-state, never hide.
    outputTokens: usage?.completion_tokens ?? new TextEncoder().encode(content + thoughts).length,
  };
  const charges = [completionCharge(used, 'failed', asked.price ?? llmPrice(used.model) ?? llmPrice(asked.model))];
  const spent = `(completion ${used.completionId}, ${used.inputTokens} + ${used.outputTokens} tokens)`;
  if (choice?.error) throw failedCall({ error: choice.error }, charges, asked) ?? noCompletion(choice.error, charges);
  const finish = choice?.finish_reason?.toLowerCase() ?? '';
  if (message?.refusal)
    throw new ClipmeshError('PREDICTION_REFUSED', `the model refused: ${message.refusal} ${spent}`, { charges });
  if (REFUSAL_FINISHES.some((reason) => finish.startsWith(reason)))
    throw new ClipmeshError('PREDICTION_REFUSED', `the content filter stopped the answer: ${finish} ${spent}`, {
      charges,
    });
  // Some parsers of thoughts put the answer, or the rest of it, among them.
  const readings = [content, content + thoughts, thoughts].filter((text) => text.trim() !== '').map(repairPlan);
  const mended = readings.find((reading) => reading.kind === 'draft');
  if (mended !== undefined) return { draft: mended.draft, ...used };
  const [reading] = readings;
  const isFull = asked.maxTokens !== undefined && used.outputTokens >= asked.maxTokens;
  const isCut = reading?.kind === 'none' && reading.unclosed && isFull;
  if (TRUNCATED_FINISHES.has(finish) || isCut)
    throw new ClipmeshError('PLAN_TRUNCATED', `the model's answer was cut off after its most tokens ${spent}`, {
      charges,
    });
  const problem = reading?.kind === 'none' ? reading.problem : 'the answer is empty';
  throw new ClipmeshError('PROVIDER_BAD_ANSWER', `${problem} ${spent}`, { charges });
}

const noCompletion = (cause: unknown, charges: readonly Charge[] = []): ClipmeshError =>
  new ClipmeshError('PROVIDER_BAD_ANSWER', 'the answer is no completion', { cause, charges });

/** The error in an answer that came with a 200; undefined where it has no status. */
function failedCall(answer: unknown, charges: readonly Charge[], { prompt = '' }: Asked): ClipmeshError | undefined {
  const error = failedSchema.safeParse(answer).data?.error;
  const status = Number(error?.code);
  if (error === undefined || !Number.isInteger(status) || status < 400 || status > 599) return undefined;
  const { code, message, retryAfterMs } = errorOfStatus('chat', { status, body: error.message }, Date.now(), [prompt]);
  return new ClipmeshError(code, message, { charges, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

/**
 * What a completion cost, whether its answer was of use or not. Without a price it is `unpriced`: the amount is 0.
 */
export function completionCharge(
  { completionId, model, inputTokens, outputTokens }: Omit<PlanAnswer, 'draft'>,
  outcome: Charge['outcome'],
  price: LlmPrice | undefined = llmPrice(model),
): Charge {
  return {
    key: `completion:${completionId}`,
    kind: 'llm',
    stage: 'llm',
    provider: 'openai',
    model,
    quantity: inputTokens + outputTokens,
    unit: 'token',
    ...(price === undefined
      ? { amountMicros: 0, unpriced: true }
      : { amountMicros: completionCostMicros(price, inputTokens, outputTokens) }),
    outcome,
  };
}
