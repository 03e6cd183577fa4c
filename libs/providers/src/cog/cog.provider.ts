import { setTimeout as delay } from 'node:timers/promises';
import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import { type ClipRequest } from '../clip.request.js';
import { errorOfThrown } from '../failures/provider.errors.js';
import { type BreakerSettings, breakerEventOf } from '../limits/breaker.js';
import { CircuitBreakers } from '../limits/breaker.registry.js';
import { type SharedState } from '../limits/shared.state.js';
import { type ModelEntries } from '../models/model.entry.js';
import { modelInput } from '../models/model.input.js';
import { type ClipProvider, type Operation, type PredictionState } from '../ports.js';
import { downloadTo } from '../prediction/clip.download.js';
import { createWaiter } from '../prediction/prediction.wait.js';
import { type ProviderLog } from '../provider.events.js';
import { type OpenProvider } from '../provider.registration.js';
import { endOf, refuseSchemaless, refuseUnready } from './cog.answer.js';
import { callCog, type CogAnswer, type CogCall } from './cog.http.js';
import { CogRuns } from './cog.runs.js';

export interface CogOptions {
  /** The server of each model. */
  readonly endpoints: readonly { readonly model: string; readonly url: string }[];
  readonly models: ModelEntries;
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  /** Time limit of every call but a held prediction, and of the acceptance of a prediction, ms. */
  readonly callTimeoutMs: number;
  /** A prediction is canceled after this time, ms. */
  readonly runTimeoutMs: number;
  readonly downloadTimeoutMs: number;
  readonly downloadIdleTimeoutMs: number;
  /** Default: 512 MB. */
  readonly maxDownloadBytes?: number;
  /** Reads a reference image. */
  readonly readFile: (artifact: Artifact) => Promise<Uint8Array>;
  readonly breaker: BreakerSettings;
  /** Shares circuit breakers with the other replicas. Default: not shared. */
  readonly shared?: SharedState;
  readonly log?: ProviderLog;
}

const NAME = 'cog';
/** A server remembers no prediction that has ended. */
export const COG_GUARANTEE = 'at_most_once_more';
const LOOK_GAP_MS = 50;
const LONGEST_LOOK_GAP_MS = 1000;
const CANCEL_TIMEOUT_MS = 10_000;
const SMALL_ANSWER_BYTES = 16 * 1024 * 1024;

/** A provider for models that run on Cog servers of the user. */
export function createCogProvider(options: CogOptions): OpenProvider {
  const { callTimeoutMs, models, maxDownloadBytes = 512 * 1024 * 1024 } = options;
  const urls = new Map(options.endpoints.map(({ model, url }) => [model, url]));
  const breakers = new CircuitBreakers(options.breaker, options.shared, options.log);
  const runs = new CogRuns();
  const origins = [...urls.values()].map((base) => new URL(base).origin);
  const withSchema = new Set<string>();

  function urlOf(model: string, path: string): URL {
    const base = urls.get(model);
    if (base === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `COG_ENDPOINTS names no server of ${model}`);
    return new URL(path, base.endsWith('/') ? base : `${base}/`);
  }
  const pathOf = (id: string): string => `predictions/${encodeURIComponent(id)}`;

  async function call(
    model: string,
    path: string,
    signal: AbortSignal,
    rest: Pick<CogCall, 'method' | 'body'>,
  ): Promise<CogAnswer> {
    const timeout = AbortSignal.timeout(callTimeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      return await callCog({ url: urlOf(model, path), signal: either, maxBytes: SMALL_ANSWER_BYTES, ...rest });
    } catch (error) {
      throw errorOfThrown(`cog ${model}`, error, { caller: signal.aborted, timeout: timeout.aborted });
    }
  }

  /** Whether a prediction runs. Sends no input: the server looks for the id first, and refuses one that does not run. */
  async function runsNow({ id, model }: Operation, signal: AbortSignal): Promise<boolean> {
    await checkSchema(model, signal);
    const { status } = await call(model, pathOf(id), signal, { method: 'PUT', body: { input: {} } });
    if (status === 202) return true;
    if (status === 422) return false;
    throw new ClipmeshError('PROVIDER_UNAVAILABLE', `the Cog server of ${model} answered a look with status ${status}`);
  }

  async function checkSchema(model: string, signal: AbortSignal): Promise<void> {
    if (withSchema.has(model)) return;
    refuseSchemaless(model, await call(model, 'openapi.json', signal, { method: 'GET' }));
    withSchema.add(model);
  }

  async function dataUrlOf(image: Artifact): Promise<string> {
    return `data:${image.contentType};base64,${Buffer.from(await options.readFile(image)).toString('base64')}`;
  }

  /** Sends the prediction, and resolves when the server runs it or has answered. Throws when it refuses it. */
  async function start({ model, attemptKey: id }: ClipRequest, input: unknown, limit: AbortSignal) {
    const url = urlOf(model, pathOf(id));
    const held = AbortSignal.timeout(options.runTimeoutMs);
    const maxBytes = Math.ceil(maxDownloadBytes * 1.4);
    const answer = callCog({ method: 'PUT', url, body: { input }, signal: held, maxBytes });
    const run = runs.hold(
      id,
      model,
      answer.then((reply) => endOf({ id, model }, reply, input)),
    );
    for (let gapMs = LOOK_GAP_MS; ; gapMs = Math.min(gapMs * 2, LONGEST_LOOK_GAP_MS)) {
      await Promise.race([run.ended, delay(gapMs)]);
      if (run.refusal !== undefined) throw run.refusal;
      if (run.state.status !== 'processing' || (await runsNow({ id, model }, limit).catch(() => false)))
        return run.state;
      if (limit.aborted)
        throw new ClipmeshError('PROVIDER_UNAVAILABLE', `the Cog server of ${model} did not confirm the prediction`);
    }
  }

  const submit: ClipProvider['submit'] = async (request, signal, beforeSend) => {
    const { model, referenceImage } = request;
    const entry = models.get(model);
    if (entry === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `${model} is not a known model`);
    await breakers.check(model);
    try {
      const image = referenceImage === undefined ? undefined : await dataUrlOf(referenceImage);
      const input = modelInput(entry, request, image);
      await checkSchema(model, signal);
      refuseUnready(model, await call(model, 'health-check', signal, { method: 'GET' }));
      // One limit for the intent and the call: whoever reads the intent expects the purchase within this time.
      const limit = AbortSignal.timeout(callTimeoutMs);
      await beforeSend?.();
      if (signal.aborted) throw new ClipmeshError('CANCELED', 'canceled before the prediction was sent');
      if (limit.aborted) throw new ClipmeshError('STORE_UNAVAILABLE', 'writing the intent took too long');
      const attributes = { [ATTR.model]: model };
      return await withSpan(
        'clipmesh.providers',
        'cog create',
        attributes,
        () => start(request, input, limit),
        SpanKind.CLIENT,
      );
    } catch (error) {
      await breakers.record(model, breakerEventOf(error instanceof ClipmeshError ? error.code : undefined));
      throw error;
    }
  };

  async function get({ id, model }: Operation, signal: AbortSignal): Promise<PredictionState> {
    const run = runs.get(id);
    if (run !== undefined) return run.state;
    // Another process holds its answer, or held it and died.
    if (await runsNow({ id, model }, signal)) return { id, model, status: 'processing' };
    throw new ClipmeshError('PROVIDER_BAD_INPUT', `the Cog server of ${model} does not run prediction ${id}`);
  }

  return {
    name: NAME,
    guarantee: COG_GUARANTEE,
    // A model may move to another server.
    cacheOrigin: NAME,
    submit,
    get,
    async find({ request: { attemptKey: id, model } }, signal) {
      const state = runs.get(id)?.state;
      if (state !== undefined) return { kind: 'found', state };
      const isRunning = await runsNow({ id, model }, signal);
      return isRunning ? { kind: 'found', state: { id, model, status: 'processing' } } : { kind: 'unknowable' };
    },
    wait: createWaiter({
      get,
      breakers,
      pollIntervalMs: options.pollIntervalMs,
      pollLogIntervalMs: options.pollLogIntervalMs,
      nudge: (id, onNudge) => runs.onEnd(id, onNudge),
    }),
    async cancel(operation) {
      const { id, model } = operation;
      const limit = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
      const late = (): ClipmeshError =>
        new ClipmeshError('PROVIDER_TIMEOUT', `prediction ${id} did not end within ${CANCEL_TIMEOUT_MS} ms`);
      const run = runs.get(id);
      if (run !== undefined && run.state.status !== 'processing') return run.state;
      const { status } = await call(model, `${pathOf(id)}/cancel`, limit, { method: 'POST' });
      if (run !== undefined) {
        await Promise.race([run.ended, delay(CANCEL_TIMEOUT_MS, undefined, { ref: false })]);
        if (run.state.status === 'processing') throw late();
        return run.state;
      }
      if (status === 404) return get(operation, limit);
      while (await runsNow(operation, limit)) {
        await delay(LOOK_GAP_MS * 2);
        if (limit.aborted) throw late();
      }
      return { id, model, status: 'canceled' };
    },
    close() {
      breakers.close();
      return Promise.resolve();
    },
    download: (url, file, signal) =>
      downloadTo(
        url,
        file,
        {
          ownOrigin: origins.find((origin) => url.startsWith(`${origin}/`)) ?? '',
          timeoutMs: options.downloadTimeoutMs,
          idleTimeoutMs: options.downloadIdleTimeoutMs,
          maxBytes: maxDownloadBytes,
        },
        signal,
      ),
  };
}
