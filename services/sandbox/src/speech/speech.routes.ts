import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { type InvoiceStore } from '../control/invoice.store.js';
import { countTokens, isSpeechModel, SPEECH_TOKENS_PER_SECOND } from '../control/pricing.js';
import { explain } from '../control/scenario.rules.js';
import { type ScenarioStore } from '../control/scenario.store.js';
import { openaiProblem } from '../openai/openai.routes.js';
import { sendSpeech } from './speech.answers.js';
import { speechRefusal } from './speech.servers.js';
import { type Speaker, type SpeechFormat } from './speech.speaker.js';

const speechSchema = z.looseObject({
  model: z.string().min(1),
  input: z.string(),
  voice: z.union([z.string(), z.strictObject({ id: z.string() }).transform(({ id }) => id)]),
  response_format: z.string().optional(),
  speed: z.number().optional(),
  instructions: z.string().optional(),
  stream_format: z.enum(['sse', 'audio']).optional(),
});

export interface SpeechRoutesDeps {
  readonly scenarios: ScenarioStore;
  readonly invoice: InvoiceStore;
  readonly speaker: Speaker;
  readonly closing: AbortSignal;
}

/** OpenAI's speech API under `/v1`. */
export function speechRoutes({ scenarios, invoice, speaker, closing }: SpeechRoutesDeps): Router {
  const router = Router();

  /** Whether the scenario refuses the call. */
  function isRefused(response: Response, model: string, input: string): boolean {
    const { scenario } = scenarios;
    if (scenario.rejectPrompts !== undefined && input.includes(scenario.rejectPrompts)) {
      const text = 'Your request was rejected as a result of our safety system.';
      openaiProblem(response, 400, text, 'invalid_request_error', 'content_policy_violation');
      return true;
    }
    const admission = scenarios.admit(Date.now(), true);
    if (admission.kind === 'unavailable')
      openaiProblem(response, 503, 'The engine is currently overloaded, please try again later', 'server_error');
    if (admission.kind === 'limited') {
      const { retryAfterSeconds } = admission;
      response.set('Retry-After', String(Math.ceil(retryAfterSeconds)));
      const text = `Rate limit reached for ${model} on requests per min (RPM). Please try again in ${retryAfterSeconds}s.`;
      openaiProblem(response, 429, text, 'requests', 'rate_limit_exceeded');
    }
    return admission.kind !== 'ok';
  }

  router.post('/audio/speech', async (request: Request, response: Response) => {
    const body = speechSchema.safeParse(request.body);
    if (!body.success) {
      openaiProblem(response, 400, explain(body.error));
      return;
    }
    const { model, input, voice, speed = 1, response_format: format = 'mp3', stream_format: stream } = body.data;
    const server = scenarios.scenario.speechServer ?? 'openai';
    if (server === 'openai' && !isSpeechModel(model)) {
      const text = `The model \`${model}\` does not exist or you do not have access to it.`;
      openaiProblem(response, 404, text, 'invalid_request_error', 'model_not_found');
      return;
    }
    const refusal = speechRefusal(server, body.data);
    if (refusal !== undefined) {
      response.status(refusal.status).json(refusal.body);
      return;
    }
    if (isRefused(response, model, input)) return;
    const { losesReply, answer } = scenarios.takeSpeech();
    const delayMs = (scenarios.scenario.speechSeconds ?? 0) * 1000;
    if (delayMs > 0) await sleep(delayMs, undefined, { signal: closing, ref: false }).catch(() => undefined);
    const sound = await speaker({ text: input, voice, speed, format: format as SpeechFormat }, closing);
    // OpenAI's own id, unless the caller names the request.
    const id = request.get('x-client-request-id') ?? `req_${randomUUID().replaceAll('-', '')}`;
    const tokens = { input: countTokens(input), output: Math.ceil(sound.seconds * SPEECH_TOKENS_PER_SECOND) };
    invoice.addSpeech({ id, model, characters: Array.from(input).length, tokens });
    if (losesReply) {
      request.socket.destroy();
      return;
    }
    response.set('x-request-id', id);
    const isStreamed = stream === 'sse' && server === 'openai';
    sendSpeech(response, answer, { bytes: sound.bytes, format: format as SpeechFormat, tokens, isStreamed });
  });
  return router;
}
