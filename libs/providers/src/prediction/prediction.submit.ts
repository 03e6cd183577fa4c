import { ClipmeshError, Semaphore } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind, trace } from '@opentelemetry/api';
import { type ClipRequest } from '../clip.request.js';
import { breakerEventOf } from '../limits/breaker.js';
import { type CircuitBreakers } from '../limits/breaker.registry.js';
import { type RateLimiter } from '../limits/rate.limiter.js';
import { type ModelEntries, type ModelEntry, targetOf } from '../models/model.entry.js';
import { type ModelInput } from '../models/model.input.js';
import { type ClipProvider, type PredictionState } from '../ports.js';

export interface SubmitDeps {
  /** The provider in names of spans. */
  readonly provider: string;
  readonly models: ModelEntries;
  readonly limiter: RateLimiter;
  readonly breakers: CircuitBreakers;
  /** Time limit from writing the intent to the response, ms. */
  readonly callTimeoutMs: number;
  /** A create blocks the next one for at most this long, ms. */
  readonly slotMs: number;
  /** The input of the create. Uploads the reference image if needed. `target` is the provider's name of the model. */
  readonly inputOf: (
    entry: ModelEntry,
    target: string,
    request: ClipRequest,
    signal: AbortSignal,
  ) => Promise<ModelInput>;
  /** Sends the create, once. */
  readonly create: (
    target: string,
    request: ClipRequest,
    input: ModelInput,
    signal: AbortSignal,
  ) => Promise<PredictionState>;
}

/** Creates the `submit` of a provider. */
export function createSubmitter(deps: SubmitDeps): ClipProvider['submit'] {
  const { limiter, breakers, callTimeoutMs } = deps;
  const mutex = new Semaphore(1);

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
    const send = (): Promise<PredictionState> => deps.create(target, request, input, limit);
    return withSpan('clipmesh.providers', `${deps.provider} create`, attributes, send, SpanKind.CLIENT);
  }

  return async (request, signal, beforeSend) => {
    const { model, referenceImage } = request;
    const entry = entryOf(deps.models, model);
    const target = targetOf(entry, referenceImage !== undefined);
    throwIfCanceled(signal);
    await breakers.check(model);
    try {
      const input = await deps.inputOf(entry, target, request, signal);
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
