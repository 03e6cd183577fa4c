import { ClipmeshError, Semaphore } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind, trace } from '@opentelemetry/api';
import { type ClipRequest } from '../clip.request.js';
import { breakerEventOf } from '../limits/breaker.js';
import { type CircuitBreakers } from '../limits/breaker.registry.js';
import { type RateLimiter } from '../limits/rate.limiter.js';
import { entryOf, type ModelEntries, type ModelEntry, targetOf } from '../models/model.entry.js';
import { type ModelInput } from '../models/model.input.js';
import { type ClipProvider, type PredictionState } from '../ports.js';

export interface SubmitDeps {
  /** The provider in names of spans. */
  readonly provider: string;
  readonly models: ModelEntries;
  readonly breakers: CircuitBreakers;
  /** Time limit from writing the intent to the response, ms. */
  readonly callTimeoutMs: number;
  /** Admits creates one at a time, each for at most `slotMs`. Undefined: all at once. */
  readonly admission: { readonly limiter: RateLimiter; readonly slotMs: number } | undefined;
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
  const { breakers, callTimeoutMs, admission } = deps;
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

  /**
   * Runs a create within the rate limit, one at a time, so that one create meets a rate limit and not one per clip. A create without
   * a response blocks the others no longer than its slot.
   */
  async function admitted(
    { limiter, slotMs }: NonNullable<SubmitDeps['admission']>,
    model: string,
    signal: AbortSignal,
    send: () => Promise<PredictionState>,
  ): Promise<PredictionState> {
    const attributes = { [ATTR.waitClass]: 'rate_limit', [ATTR.model]: model };
    const wait = trace.getTracer('clipmesh.providers').startSpan('await admission', { attributes });
    const endWait = (): void => {
      if (wait.isRecording()) wait.end();
    };
    try {
      return await mutex.run(signal, async (release) => {
        await limiter.acquire('create', signal);
        endWait();
        throwIfCanceled(signal);
        const slot = setTimeout(release, slotMs);
        try {
          return await send();
        } finally {
          clearTimeout(slot);
        }
      });
    } finally {
      endWait();
    }
  }

  return async (request, signal, beforeSend) => {
    const { model, referenceImage } = request;
    const entry = entryOf(deps.models, model);
    const target = targetOf(entry, referenceImage !== undefined);
    throwIfCanceled(signal);
    await breakers.check(model);
    try {
      const input = await deps.inputOf(entry, target, request, signal);
      const send = (): Promise<PredictionState> => purchase(target, request, input, beforeSend, signal);
      return await (admission === undefined ? send() : admitted(admission, model, signal, send));
    } catch (error) {
      await breakers.record(model, breakerEventOf(error instanceof ClipmeshError ? error.code : undefined));
      throw error;
    }
  };
}

function throwIfCanceled(signal: AbortSignal): void {
  if (signal.aborted) throw new ClipmeshError('CANCELED', 'canceled before the purchase');
}
