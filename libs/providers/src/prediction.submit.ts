import { ClipmeshError } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind, trace } from '@opentelemetry/api';
import type Replicate from 'replicate';
import { type BreakerBoard } from './breaker.board.js';
import { verdictOf } from './breaker.js';
import { type ClipRequest } from './clip.request.js';
import { Gate } from './gate.js';
import { type ImageUpload } from './image.upload.js';
import { modelInput, type ModelInput } from './models.js';
import { type ClipProvider, type PredictionState } from './ports.js';
import { predictionOf } from './prediction.state.js';
import { note, type ProviderLog } from './provider.events.js';
import { type RateLimiter } from './rate.limiter.js';

export interface SubmitParts {
  readonly client: Replicate;
  /** Runs a call of the client; throws `ClipmeshError`. */
  readonly call: <T>(work: () => Promise<T>) => Promise<T>;
  readonly imageUrl: ImageUpload['urlOf'];
  readonly limiter: RateLimiter;
  readonly breakers: BreakerBoard;
  readonly log: ProviderLog | undefined;
  /** Longest from the intent to the answer, ms. */
  readonly callTimeoutMs: number;
  readonly cancelAfterMs: number | undefined;
  readonly webhookBaseUrl: string | undefined;
  /** Input field for the attempt key; empty: none. */
  readonly inputKey: string;
}

/** The provider takes no shorter deadline, s. */
const SHORTEST_DEADLINE_S = 5;

/** Buys predictions. */
export function createSubmitter(parts: SubmitParts): ClipProvider['submit'] {
  const { client, call, limiter, breakers, log, inputKey } = parts;
  const gate = new Gate();
  /** Models that take no unknown field. */
  const withoutKey = new Set<string>();
  const headers =
    parts.cancelAfterMs === undefined
      ? {}
      : { 'Cancel-After': `${Math.max(SHORTEST_DEADLINE_S, Math.ceil(parts.cancelAfterMs / 1000))}s` };

  async function create(
    { model, attemptKey }: ClipRequest,
    input: ModelInput,
    signal: AbortSignal,
    keyed: boolean,
  ): Promise<PredictionState> {
    const data = {
      input: { ...input, ...(keyed ? { [inputKey]: attemptKey } : {}) },
      ...(parts.webhookBaseUrl === undefined
        ? {}
        : { webhook: webhookUrl(parts.webhookBaseUrl, attemptKey), webhook_events_filter: ['completed'] }),
    };
    const options = { method: 'POST', headers, data, signal };
    const send = async (): Promise<unknown> => (await client.request(`models/${model}/predictions`, options)).json();
    return predictionOf(await call(send));
  }

  async function buy(
    request: ClipRequest,
    input: ModelInput,
    beforeSend: (() => Promise<void>) | undefined,
    signal: AbortSignal,
    admitted: () => void,
  ) {
    await limiter.acquire('create', signal);
    admitted();
    refuseCanceled(signal);
    // One limit for the intent and both tries: whoever finds the intent counts on seeing the purchase within this time.
    const limit = AbortSignal.timeout(parts.callTimeoutMs);
    await beforeSend?.();
    refuseCanceled(signal);
    if (limit.aborted)
      throw new ClipmeshError('STORE_UNAVAILABLE', 'the intent was written too late: another may be buying it by now');
    const { model } = request;
    return withSpan(
      'clipmesh.providers',
      'replicate create',
      { [ATTR.model]: model },
      async () => {
        const keyed = inputKey !== '' && !withoutKey.has(model);
        try {
          return await create(request, input, limit, keyed);
        } catch (error) {
          if (!keyed || !refusesField(error, inputKey)) throw error;
          if (!withoutKey.has(model))
            note(log, 'warn', 'provider.key.refused', { model }, 'the model takes no attempt key in its input');
          withoutKey.add(model);
          await limiter.acquire('create', limit).catch((cause: unknown) => {
            // Neither was the first bought nor the second sent.
            throw new ClipmeshError('PROVIDER_RATE_LIMITED', 'no second create was let out in time', { cause });
          });
          return create(request, input, limit, false);
        }
      },
      SpanKind.CLIENT,
    );
  }

  return async (request, signal, beforeSend) => {
    const { model, referenceImage } = request;
    // Thrown before anything is asked for, for a model that is not in the table.
    modelInput(request);
    refuseCanceled(signal);
    await breakers.ask(model);
    try {
      const input = modelInput(
        request,
        referenceImage === undefined ? undefined : await parts.imageUrl(referenceImage, signal),
      );
      // One create at a time: when the provider asks to slow down, one call is wasted and not as many as there are clips.
      const admission = trace
        .getTracer('clipmesh.providers')
        .startSpan('await admission', { attributes: { [ATTR.waitClass]: 'rate_limit', [ATTR.model]: model } });
      const admitted = (): void => {
        if (admission.isRecording()) admission.end();
      };
      try {
        return await gate.pass(signal, () => buy(request, input, beforeSend, signal, admitted));
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

/** Whether the provider refused the call, having bought nothing, because of this field. */
function refusesField(error: unknown, field: string): boolean {
  return error instanceof ClipmeshError && error.code === 'PROVIDER_BAD_INPUT' && error.message.includes(field);
}

function webhookUrl(base: string, key: string): string {
  const url = new URL(base);
  url.searchParams.set('key', key);
  return url.href;
}
