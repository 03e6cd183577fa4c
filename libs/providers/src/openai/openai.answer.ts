import { type Charge, ClipmeshError, planDraftSchema } from '@clipmesh/contracts';
import { completionCostMicros, llmPrice, type LlmPrice } from '@clipmesh/billing';
import { repairPlan } from '@clipmesh/pipeline';
import { z } from 'zod';
import { REFUSAL_FINISHES, TRUNCATED_FINISHES } from './openai.refusals.js';
import { type PlanAnswer } from '../ports.js';
import { errorOfStatus } from '../failures/provider.errors.js';

/** A stored plan answer. */
export const planAnswerSchema: z.ZodType<PlanAnswer> = z.object({
  draft: planDraftSchema,
  completionId: z.string(),
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  model: z.string(),
});

/** Content is a string, or a list of parts, some of which are reasoning. */
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
/** OpenRouter reports upstream errors in a 200 response. */
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

/** The call that a completion belongs to. */
export interface CompletionContext {
  /** The requested model. */
  readonly model: string;
  /** The key of the call. */
  readonly key: string;
  /** Configured price. Default: the table's price of the model that answered, else of the requested one. */
  readonly price?: LlmPrice | undefined;
  /** Token limit of the answer; undefined when unknown. */
  readonly maxTokens?: number | undefined;
  /** The prompt, which an error may quote. Default: empty. */
  readonly prompt?: string;
}

/** Ollama picks one of a thousand ids. A charge needs a unique one. */
const SHORT_ID = /^chatcmpl-\d{1,3}$/;
const idOf = (id: string | null | undefined, key: string): string =>
  id && !SHORT_ID.test(id) ? id : [id ?? 'completion', key].join('.');

/**
 * Reads the plan in a completion. Plans that {@link repairPlan} can repair are accepted. Throws `PREDICTION_REFUSED`, `PLAN_TRUNCATED`,
 * `PROVIDER_BAD_ANSWER` or the error of a failed call, each with its charges.
 */
export function answerOf(answer: unknown, context: CompletionContext): PlanAnswer {
  const parsed = completionSchema.safeParse(answer);
  if (!parsed.success) throw failedCall(answer, [], context) ?? noCompletion(parsed.error);
  const { choices, usage } = parsed.data;
  const [choice] = choices;
  const message = choice?.message;
  const reasoning = message?.reasoning_content ?? message?.reasoning ?? '';
  const content = message?.content ?? '';
  const used = {
    completionId: idOf(parsed.data.id, context.key),
    model: parsed.data.model ?? context.model,
    inputTokens: usage?.prompt_tokens ?? 0,
    // Without usage a byte counts as a token: the ledger may overstate a cost, but never hide it.
    outputTokens: usage?.completion_tokens ?? new TextEncoder().encode(content + reasoning).length,
  };
  const charges = [completionCharge(used, 'failed', context.price ?? llmPrice(used.model) ?? llmPrice(context.model))];
  const spent = `(completion ${used.completionId}, ${used.inputTokens} + ${used.outputTokens} tokens)`;
  if (choice?.error) throw failedCall({ error: choice.error }, charges, context) ?? noCompletion(choice.error, charges);
  const finish = choice?.finish_reason?.toLowerCase() ?? '';
  if (message?.refusal)
    throw new ClipmeshError('PREDICTION_REFUSED', `the model refused: ${message.refusal} ${spent}`, { charges });
  if (REFUSAL_FINISHES.some((reason) => finish.startsWith(reason)))
    throw new ClipmeshError('PREDICTION_REFUSED', `the content filter stopped the answer: ${finish} ${spent}`, {
      charges,
    });
  // Some servers' reasoning parsers put all or part of the answer into the reasoning.
  const readings = [content, content + reasoning, reasoning].filter((text) => text.trim() !== '').map(repairPlan);
  const repaired = readings.find((reading) => reading.kind === 'draft');
  if (repaired !== undefined) return { draft: repaired.draft, ...used };
  const [reading] = readings;
  const isFull = context.maxTokens !== undefined && used.outputTokens >= context.maxTokens;
  const isCut = reading?.kind === 'none' && reading.unclosed && isFull;
  if (TRUNCATED_FINISHES.has(finish) || isCut)
    throw new ClipmeshError('PLAN_TRUNCATED', `the model's answer was cut off at the token limit ${spent}`, {
      charges,
    });
  const problem = reading?.kind === 'none' ? reading.problem : 'the answer is empty';
  throw new ClipmeshError('PROVIDER_BAD_ANSWER', `${problem} ${spent}`, { charges });
}

const noCompletion = (cause: unknown, charges: readonly Charge[] = []): ClipmeshError =>
  new ClipmeshError('PROVIDER_BAD_ANSWER', 'the response is not a completion', { cause, charges });

/** The error in a 200 response; undefined when it has no status. */
function failedCall(
  answer: unknown,
  charges: readonly Charge[],
  { prompt = '' }: CompletionContext,
): ClipmeshError | undefined {
  const error = failedSchema.safeParse(answer).data?.error;
  const status = Number(error?.code);
  if (error === undefined || !Number.isInteger(status) || status < 400 || status > 599) return undefined;
  const { code, message, retryAfterMs } = errorOfStatus('chat', { status, body: error.message }, Date.now(), [prompt]);
  return new ClipmeshError(code, message, { charges, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

/**
 * The charge of a completion, whether or not its answer is usable. Without a price it is `unpriced` and its amount is 0.
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
