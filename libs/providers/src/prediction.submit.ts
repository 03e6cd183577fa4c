import { ClipmeshError } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind, trace } from '@opentelemetry/api';
import type Replicate from 'replicate';
import { type BreakerBoard } from './breaker.board.js';
import { verdictOf } from './breaker.js';
import { type ClipRequest } from './clip.request.js';
import { Gate } from './gate.js';
import { type ImageUpload } from './image.upload.js';
import { type KeyField } from './key.field.js';
import { modelInput, type ModelInput } from './models.js';
import { type ClipProvider, type PredictionState } from './ports.js';
import { predictionOf } from './prediction.state.js';
import { type RateLimiter } from './rate.limiter.js';

export interface SubmitDeps {
  readonly client: Replicate;
  /** Runs a call of the client; throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly imageUrl: ImageUpload['urlOf'];
  readonly keyField: KeyField;
  readonly limiter: RateLimiter;
  readonly breakers: BreakerBoard;
  /** Longest from the intent to the answer, ms. */
  readonly callTimeoutMs: number;
  /** A create without an answer for this long holds back no others, ms. */
  readonly slotMs: number;
  readonly cancelAfterMs: number | undefined;
  readonly webhookBaseUrl: string | undefined;
}

/** The provider takes no shorter deadline, s. */
const SHORTEST_DEADLINE_S = 5;

/** Buys predictions. */
export function createSubmitter(deps: SubmitDeps): ClipProvider['submit'] {
  const { client, call, limiter, breakers, callTimeoutMs, webhookBaseUrl } = deps;
  const gate = new Gate();
  const headers =
    deps.cancelAfterMs === undefined
      ? {}
      : { 'Cancel-After': `${Math.max(SHORTEST_DEADLINE_S, Math.ceil(deps.cancelAfterMs / 1000))}s` };

  async function create({ model, attemptKey }: ClipRequest, input: ModelInput, signal: AbortSignal) {
    const webhook =
      webhookBaseUrl === undefined
        ? {}
        : { webhook: webhookUrl(webhookBaseUrl, attemptKey), webhook_events_filter: ['completed'] };
    const options = { method: 'POST', headers, data: { input, ...webhook }, signal };
    const send = async (): Promise<unknown> => (await client.request(`models/${model}/predictions`, options)).json();
    return predictionOf(await call(send));
  }

  /** Sends the create once its intent is written. */
  async function buy(
    request: ClipRequest,
    input: ModelInput,
    beforeSend: (() => Promise<void>) | undefined,
    signal: AbortSignal,
  ): Promise<PredictionState> {
    // One limit for the intent and the call: whoever finds the intent counts on seeing the purchase within this time.
    const limit = AbortSignal.timeout(callTimeoutMs);
    await beforeSend?.();
    refuseCanceled(signal);
    if (limit.aborted)
      throw new ClipmeshError('STORE_UNAVAILABLE', 'the intent was written too late: another may be buying it by now');
    const attributes = { [ATTR.model]: request.model };
    const send = (): Promise<PredictionState> => create(request, input, limit);
    return withSpan('clipmesh.providers', 'replicate create', attributes, send, SpanKind.CLIENT);
  }

  return async (request, signal, beforeSend) => {
    const { model, referenceImage, attemptKey } = request;
    // Thrown before anything is asked for, for a model that is not in the table.
    modelInput(request);
    refuseCanceled(signal);
    await breakers.ask(model);
    try {
      const imageUrl = referenceImage === undefined ? undefined : await deps.imageUrl(referenceImage, signal);
      const field = await deps.keyField(model, signal);
      const input = { ...modelInput(request, imageUrl), ...(field === undefined ? {} : { [field]: attemptKey }) };
      // One create at a time, so that a provider that asks to slow down is asked once and not as often as there are clips. One
      // that gets no answer does not hold up the others for longer than its slot.
      const admission = trace
        .getTracer('clipmesh.providers')
        .startSpan('await admission', { attributes: { [ATTR.waitClass]: 'rate_limit', [ATTR.model]: model } });
      const admitted = (): void => {
        if (admission.isRecording()) admission.end();
      };
      try {
        return await gate.pass(signal, async (leave) => {
          await limiter.acquire('create', signal);
          admitted();
          refuseCanceled(signal);
          const slot = setTimeout(leave, deps.slotMs);
          try {
            return await buy(request, input, beforeSend, signal);
          } finally {
            clearTimeout(slot);
          }
        });
      } finally {
        admitted();
      }
    } catch (error) {
      await breakers.tell(model, verdictOf(error instanceof ClipmeshError ? error.code : undefined));
      throw error;
    }
  };
}

function refuseCanceled(signal: AbortSignal): void {
  if (signal.aborted) throw new ClipmeshError('CANCELED', 'canceled before the purchase');
}

function webhookUrl(base: string, key: string): string {
  const url = new URL(base);
  url.searchParams.set('key', key);
  return url.href;
}
