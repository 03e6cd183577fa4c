import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Response, Router } from 'express';
import { z } from 'zod';
import { type InvoiceStore } from '../control/invoice.store.js';
import { chatRefusal } from './chat.servers.js';
import { choiceOf, PROMPT_FILTERED, planText } from './plan.answers.js';
import { readBrief, writePlan } from './plan.writer.js';
import { countTokens } from '../control/pricing.js';
import { type ScenarioStore } from '../control/scenario.store.js';
import { explain } from '../control/scenario.rules.js';
import { fitSchema } from './schema.filler.js';

const contentSchema = z.union([
  z.string(),
  z
    .array(z.looseObject({ type: z.string(), text: z.string().optional() }))
    .transform((parts) => parts.map(({ text }) => text ?? '').join('\n')),
]);
const completionSchema = z.looseObject({
  model: z.string().min(1),
  messages: z.array(z.looseObject({ role: z.string(), content: contentSchema.nullish() })).min(1),
  stream: z.literal(false, 'the sandbox does not stream').nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  store: z.boolean().nullish(),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((map) => Object.keys(map).length <= 16, 'at most 16 entries')
    .nullish(),
  response_format: z
    .union([
      z.looseObject({
        type: z.literal('json_schema'),
        json_schema: z.looseObject({ name: z.string(), schema: z.record(z.string(), z.unknown()).optional() }),
      }),
      z.looseObject({ type: z.enum(['json_object', 'text']) }),
    ])
    .optional(),
});

/** Maximum number of completions in a list. */
const PAGE = 20;
/** Maximum number of stored completions. The oldest is removed first. */
const MAX_STORED = 1000;
const INVALID_PLAN = '{"title": "An unfinished pl';

export function openaiProblem(
  response: Response,
  status: number,
  message: string,
  type = 'invalid_request_error',
  code: string | null = null,
): void {
  response.status(status).json({ error: { message, type, param: null, code } });
}

/** OpenAI's chat API under `/v1`. */
export function openaiRoutes({
  scenarios,
  invoice,
  closing,
}: {
  scenarios: ScenarioStore;
  invoice: InvoiceStore;
  closing: AbortSignal;
}): Router {
  const router = Router();
  const stored: { id: string; metadata: Readonly<Record<string, string>> }[] = [];
  const isUnavailable = (response: Response): boolean => {
    if (scenarios.admit(Date.now(), false).kind === 'ok') return false;
    openaiProblem(response, 503, 'The engine is currently overloaded, please try again later', 'server_error');
    return true;
  };

  router.post('/chat/completions', async (request, response) => {
    const body = completionSchema.safeParse(request.body);
    if (!body.success) {
      openaiProblem(response, 400, explain(body.error));
      return;
    }
    const server = scenarios.scenario.chatServer ?? 'openai';
    const refusal = chatRefusal(server, body.data);
    if (refusal !== undefined) {
      response.status(refusal.status).json(refusal.body);
      return;
    }
    if (isUnavailable(response)) return;
    const { model, messages, response_format: format, store, metadata } = body.data;
    const textOf = (wanted: (role: string) => boolean): string =>
      messages
        .filter(({ role }) => wanted(role))
        .map(({ content }) => content ?? '')
        .join('\n');
    const isSystem = (role: string): boolean => role === 'system' || role === 'developer';
    const plan = writePlan(
      readBrief(
        textOf(isSystem),
        textOf((role) => role === 'user'),
      ),
    );
    const kind = scenarios.takeCompletion();
    if (kind === 'prompt-filter') {
      response.status(400).json(PROMPT_FILTERED);
      return;
    }
    const whole =
      format?.type === 'json_schema' && 'json_schema' in format
        ? fitSchema((format.json_schema as { schema?: Record<string, unknown> }).schema ?? {}, plan)
        : plan;
    const isText = format?.type === 'text' || format === undefined;
    // Without a format a model wraps its JSON in prose, and writes none when the prompt does not ask for it.
    const asksForJson = /\bjson\b/i.test(textOf(isSystem));
    const answerKind = kind === 'invalid' ? 'plan' : kind;
    const textKind = isText && answerKind === 'plan' ? 'fenced' : answerKind;
    const { choice, outputTokens, reasoningTokens } = choiceOf(
      answerKind,
      kind === 'invalid' ? INVALID_PLAN : isText && !asksForJson ? plan.title : planText(textKind, whole),
      {
        thoughtTokens: scenarios.scenario.planThoughtTokens,
        maxTokens:
          (server === 'ollama' ? undefined : body.data.max_completion_tokens) ?? body.data.max_tokens ?? undefined,
      },
    );

    const delayMs = (scenarios.scenario.planSeconds ?? 0) * 1000;
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: closing, ref: false }).catch(() => undefined);
    const id = `chatcmpl-${randomUUID()}`;
    const inputTokens = countTokens(textOf(() => true));
    invoice.addCompletion({ id, model, inputTokens, outputTokens });
    const completion = {
      id,
      object: 'chat.completion',
      created: Math.floor(Date.now() / 1000),
      model,
      choices: [choice],
      usage: {
        prompt_tokens: inputTokens,
        completion_tokens: outputTokens,
        total_tokens: inputTokens + outputTokens,
        completion_tokens_details: { reasoning_tokens: reasoningTokens },
      },
      metadata: metadata ?? {},
    };
    if (store === true && server !== 'ollama') stored.push(completion);
    if (stored.length > MAX_STORED) stored.shift();
    response.json(completion);
  });

  // Stored completions filtered by metadata, oldest first.
  router.get('/chat/completions', (request, response) => {
    const wanted = Object.entries(request.query).flatMap(([name, value]) => {
      const [, key] = /^metadata\[(.+)\]$/.exec(name) ?? [];
      return key === undefined ? [] : [[key, value] as const];
    });
    const data = stored
      .filter(({ metadata }) => wanted.every(([key, value]) => metadata[key] === value))
      .slice(0, PAGE);
    response.json({ object: 'list', data, first_id: data[0]?.id, last_id: data.at(-1)?.id, has_more: false });
  });
  return router;
}
