import { ClipmeshError } from '@clipmesh/contracts';
import { completionCostMicros, llmPrice, type LlmPrice, LONG_TOKENS } from '@clipmesh/billing';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import { APIError, type OpenAI } from 'openai';
import { z } from 'zod';
import { type CallForm, firstForm, type MaxTokensField, weakerForm } from './call.form.js';
import { refusedIn } from './form.refusals.js';
import { answerOf, completionCharge } from './openai.answer.js';
import { callOpenAi, codeOf } from './openai.call.js';
import { openAiClient } from './openai.client.js';
import { systemMessage, userMessage, wireSchema } from './plan.messages.js';
import { type PlanAnswer, type PlanModel, type PlanRequest } from '../ports.js';
import { withoutQuotes } from '../failures/prediction.failure.js';
import { logEvent, type ProviderLog } from '../provider.events.js';

export interface OpenAiOptions {
  /** Undefined: the server needs no key. */
  readonly apiKey: string | undefined;
  readonly baseUrl: string;
  readonly model: string;
  readonly timeoutMs: number;
  /** Whether the provider stores its answers, so that a lost one can be found. */
  readonly store: boolean;
  /** Configured price of the model. Default: the table's price. */
  readonly price?: LlmPrice | undefined;
  /** Token limit of an answer, including reasoning. `retry`: the limit of the one call after an answer was cut off. */
  readonly maxTokens: { readonly usual: number; readonly retry: number };
  /** The request field for the token limit, unless the server refuses it. `none`: not sent; the server's own limit applies. */
  readonly maxTokensField: MaxTokensField | 'none';
  readonly log?: ProviderLog;
}

/** The metadata field that holds the key of a call. */
const KEY_FIELD = 'clipmesh_attempt';
/** Statuses of a server that stores no answers. */
const NOT_STORED_STATUSES: ReadonlySet<unknown> = new Set([400, 404, 405, 501]);

/** The form to use instead when the error refuses a part of this one; undefined when it is about something else. */
function formAfter(error: unknown, form: CallForm, quoted: readonly string[]): CallForm | undefined {
  if (!(error instanceof APIError) || typeof error.status !== 'number' || codeOf(error) !== undefined) return undefined;
  const text = withoutQuotes(`${error.message} ${String(error.code)} ${String(error.param)}`, quoted);
  return weakerForm(form, refusedIn({ status: error.status, text }, form));
}

/** The body of a call in this form. */
const bodyOf = (
  form: CallForm,
  model: string,
  request: PlanRequest,
  { key, limit }: { key: string; limit: number | undefined },
): OpenAI.ChatCompletionCreateParamsNonStreaming => {
  const [field] = form.maxTokensFields;
  return {
    model,
    messages: [
      { role: 'system', content: systemMessage(request, form.describesSchema) },
      { role: 'user', content: userMessage(request.prompt) },
    ],
    ...(form.format === 'json_schema'
      ? { response_format: { type: 'json_schema', json_schema: { name: 'plan', strict: true, schema: wireSchema } } }
      : form.format === 'json_object'
        ? { response_format: { type: 'json_object' } }
        : {}),
    ...(field === undefined ? {} : { [field]: limit }),
    ...(form.stores ? { store: true, metadata: { [KEY_FIELD]: key } } : {}),
  };
};

/**
 * A plan model that uses OpenAI's chat completions or a compatible server. Makes one paid call per draft: the settlement retries. A
 * server that refuses a field is asked again at once without it, within the same time limit; such a refusal is not charged. The form
 * that it answers is used from then on.
 */
export function createOpenAiPlanModel(options: OpenAiOptions): PlanModel {
  const { apiKey, baseUrl, model, timeoutMs, store, price, maxTokens, maxTokensField, log } = options;
  const known = price ?? llmPrice(model);
  const client = openAiClient(apiKey, baseUrl, timeoutMs);
  let learned = firstForm(maxTokensField, store);

  const limitOf = ({ hasMoreRoom }: PlanRequest): number | undefined =>
    maxTokensField === 'none' ? undefined : hasMoreRoom === true ? maxTokens.retry : maxTokens.usual;

  /** Remembers a form that the server answered. A refused one is not enough: the error may have had another cause. */
  function learn(form: CallForm): void {
    if (form === learned) return;
    learned = form;
    const { format, describesSchema, maxTokensFields, stores } = form;
    logEvent(
      log,
      'info',
      'provider.form',
      { model, format, describesSchema, stores, maxTokensField: maxTokensFields[0] ?? 'none' },
      'learned which request fields the language model server takes',
    );
  }

  const complete = (request: PlanRequest, key: string, signal: AbortSignal): Promise<OpenAI.ChatCompletion> => {
    const quoted = [request.prompt, userMessage(request.prompt)];
    return called(signal, quoted, async (bounded) => {
      for (let form = learned; ;) {
        const body = bodyOf(form, model, request, { key, limit: limitOf(request) });
        try {
          const completion = await client.chat.completions.create(body, { signal: bounded });
          learn(form);
          return completion;
        } catch (error) {
          const next = formAfter(error, form, quoted);
          if (next === undefined) throw error;
          form = next;
        }
      }
    });
  };

  /** Reads the plan in a completion. A server may ignore a format without a word: then the next prompt contains the schema. */
  function read(completion: OpenAI.ChatCompletion, request: PlanRequest, key: string): PlanAnswer {
    try {
      return answerOf(completion, { model, key, price, maxTokens: limitOf(request), prompt: request.prompt });
    } catch (error) {
      if (error instanceof ClipmeshError && error.code === 'PROVIDER_BAD_ANSWER' && !learned.describesSchema)
        learn({ ...learned, describesSchema: true });
      throw error;
    }
  }

  const called = <T>(
    signal: AbortSignal,
    quoted: readonly string[],
    call: (bounded: AbortSignal) => Promise<T>,
  ): Promise<T> => callOpenAi({ name: 'chat', timeoutMs, signal, quoted }, call);

  return {
    model,
    quoteMicros:
      known === undefined
        ? undefined
        : completionCostMicros(known, LONG_TOKENS, Math.max(LONG_TOKENS, maxTokens.retry)),
    charge: (answer, outcome) => completionCharge(answer, outcome, price ?? llmPrice(answer.model) ?? known),
    find: async (key, signal) => {
      if (!learned.stores) return undefined;
      const stored = await called(signal, [], async (bounded) => {
        try {
          return (await client.chat.completions.list({ metadata: { [KEY_FIELD]: key } }, { signal: bounded })).data;
        } catch (error) {
          if (error instanceof APIError && NOT_STORED_STATUSES.has(error.status)) return [];
          throw error;
        }
      });
      // A server may ignore the filter.
      const own = stored.find((completion) => metadataOf(completion)[KEY_FIELD] === key);
      return own && answerOf(own, { model, key, price });
    },
    draft: (request, key, signal) =>
      withSpan(
        'clipmesh.providers',
        `chat ${model}`,
        {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'openai',
          'gen_ai.request.model': model,
          [ATTR.stage]: 'llm',
        },
        async (span) => {
          const completion = await complete(request, key, signal);
          const answer = read(completion, request, key);
          span.setAttributes({
            'gen_ai.response.id': answer.completionId,
            'gen_ai.response.model': answer.model,
            'gen_ai.usage.input_tokens': answer.inputTokens,
            'gen_ai.usage.output_tokens': answer.outputTokens,
          });
          return answer;
        },
        SpanKind.CLIENT,
      ),
  };
}

const storedSchema = z.object({ metadata: z.record(z.string(), z.unknown()).nullish() });
const metadataOf = (completion: unknown): Record<string, unknown> =>
  storedSchema.safeParse(completion).data?.metadata ?? {};
