import { ClipmeshError, Semaphore } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind, trace } from '@opentelemetry/api';
import type Replicate from 'replicate';
import { type CircuitBreakers } from '../limits/breaker.registry.js';
import { breakerEventOf } from '../limits/breaker.js';
import { type ClipRequest } from '../clip.request.js';
import { type ImageUpload } from './input/image.upload.js';
import { type KeyField } from './input/key.field.js';
import { type ModelEntries, type ModelEntry, targetOf } from '../models/model.entry.js';
import { modelInput, type ModelInput } from '../models/model.input.js';
import { type ClipProvider, type PredictionState } from '../ports.js';
import { predictionOf } from './prediction.answer.js';
import { type RateLimiter } from '../limits/rate.limiter.js';

export interface SubmitDeps {
  readonly client: Replicate;
  /** Runs a call of the client. Throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly models: ModelEntries;
  readonly imageUrl: ImageUpload['urlOf'];
  readonly keyField: KeyField;
  readonly limiter: RateLimiter;
  readonly breakers: CircuitBreakers;
  /** Time limit from writing the intent to the response, ms. */
  readonly callTimeoutMs: number;
  /** A create blocks the next one for at most this long, ms. */
  readonly slotMs: number;
  readonly cancelAfterMs: number | undefined;
  readonly webhookBaseUrl: string | undefined;
}

/** The provider accepts no shorter deadline, s. */
const SHORTEST_DEADLINE_S = 5;

/** Creates the `submit` of a provider. */
export function createSubmitter(deps: SubmitDeps): ClipProvider['submit'] {
  const { client, call, limiter, breakers, callTimeoutMs, webhookBaseUrl } = deps;
  const mutex = new Semaphore(1);
  const headers =
    deps.cancelAfterMs === undefined
      ? {}
      : { 'Cancel-After': `${Math.max(SHORTEST_DEADLINE_S, Math.ceil(deps.cancelAfterMs / 1000))}s` };

  async function create(target: string, { attemptKey }: ClipRequest, input: ModelInput, signal: AbortSignal) {
    const webhook =
      webhookBaseUrl === undefined
        ? {}
        : { webhook: webhookUrl(webhookBaseUrl, attemptKey), webhook_events_filter: ['completed'] };
    const [model, version] = target.split(':');
    const options = {
      method: 'POST',
      headers,
      data: { ...(version === undefined ? {} : { version }), input, ...webhook },
      signal,
    };
    const route = version === undefined ? `models/${model}/predictions` : 'predictions';
    const send = async (): Promise<unknown> => (await client.request(route, options)).json();
    return predictionOf(await call(send));
  }

  /** Writes the intent, then sends the create. */
  async function purchase(
    target: string,
    request: ClipRequest,
    input: ModelInput,
    beforeSend: (() => Promise<void>) | undefined,
    signal: AbortSignal,
  ): Promise<PredictionState> {
    // One limit for the intent and the call: whoever reads the intent expects the purchase within this time.
    const limit = AbortSignal.timeout(callTimeoutMs);
    await beforeSend?.();
    throwIfCanceled(signal);
    if (limit.aborted)
      throw new ClipmeshError(
        'STORE_UNAVAILABLE',
        'writing the intent took too long: another process may be making this purchase',
      );
    const attributes = { [ATTR.model]: request.model };
    const send = (): Promise<PredictionState> => create(target, request, input, limit);
    return withSpan('clipmesh.providers', 'replicate create', attributes, send, SpanKind.CLIENT);
  }

  return async (request, signal, beforeSend) => {
    const { model, referenceImage, attemptKey } = request;
    const entry = entryOf(deps.models, model);
    const target = targetOf(entry, referenceImage !== undefined);
    throwIfCanceled(signal);
    await breakers.check(model);
    try {
      const imageUrl = referenceImage === undefined ? undefined : await deps.imageUrl(referenceImage, signal);
      const field = await deps.keyField(target, signal);
      const input = {
        ...modelInput(entry, request, imageUrl),
        ...(field === undefined ? {} : { [field]: attemptKey }),
      };
      // One create at a time, so that one create meets a rate limit and not one per clip. A create without a response blocks the
      // others no longer than its slot.
      const admission = trace
        .getTracer('clipmesh.providers')
        .startSpan('await admission', { attributes: { [ATTR.waitClass]: 'rate_limit', [ATTR.model]: model } });
      const admitted = (): void => {
        if (admission.isRecording()) admission.end();
      };
      try {
        return await mutex.run(signal, async (release) => {
          await limiter.acquire('create', signal);
          admitted();
          throwIfCanceled(signal);
          const slot = setTimeout(release, deps.slotMs);
          try {
            return await purchase(target, request, input, beforeSend, signal);
          } finally {
            clearTimeout(slot);
          }
        });
      } finally {
        admitted();
      }
    } catch (error) {
      await breakers.record(model, breakerEventOf(error instanceof ClipmeshError ? error.code : undefined));
      throw error;
    }
  };
}

function entryOf(models: ModelEntries, model: string): ModelEntry {
  const entry = models.get(model);
  if (entry === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `model ${model} is unknown`);
  return entry;
}

function throwIfCanceled(signal: AbortSignal): void {
  if (signal.aborted) throw new ClipmeshError('CANCELED', 'canceled before the purchase');
}

function webhookUrl(base: string, key: string): string {
  const url = new URL(base);
  url.searchParams.set('key', key);
  return url.href;
}
