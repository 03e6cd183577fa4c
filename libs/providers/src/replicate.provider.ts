import { setTimeout as delay } from 'node:timers/promises';
import { ClipmeshError } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import Replicate from 'replicate';
import { z } from 'zod';
import { downloadTo } from './clip.download.js';
import { modelInput } from './models.js';
import { backOffMs, pollGapMs } from './polling.js';
import { type ClipRequest } from './clip.request.js';
import { type ClipProvider, type PredictionState, type WaitOptions } from './ports.js';
import { recordStretches } from './prediction.spans.js';
import { isFinal, isOfAttempt, predictionOf, wirePredictionSchema } from './prediction.state.js';
import { RateLimiter } from './rate.limiter.js';
import { openCallDoor } from './replicate.fetch.js';

export interface ReplicateOptions {
  readonly token: string;
  readonly baseUrl: string;
  /** Longest gap between two polls, ms. */
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  readonly downloadTimeoutMs: number;
  /** 512 MB unless told. */
  readonly maxDownloadBytes?: number;
  /** Longest single API call, ms; 30 s unless told. */
  readonly callTimeoutMs?: number;
  readonly createsPerMinute: number;
  readonly callsPerMinute: number;
  /** Where the provider reports; the attempt key is added as `?key=`. */
  readonly webhookBaseUrl?: string;
}

const TRACER = 'clipmesh.providers';
const MAX_PAGES = 50;
/** How far the provider's clock may be behind ours, ms. */
const CLOCK_SKEW_MS = 5000;
const MAX_REMEMBERED = 1000;
const CANCEL_TIMEOUT_MS = 60_000;
const pageSchema = z.object({ next: z.string().nullish(), results: z.array(wirePredictionSchema) });

/** Replicate, or anything that speaks its API. */
export function createReplicateProvider(options: ReplicateOptions): ClipProvider {
  const limiter = new RateLimiter(options);
  const { fetch, errorOf } = openCallDoor(limiter, options.callTimeoutMs ?? 30_000);
  const client = new Replicate({
    auth: options.token,
    baseUrl: options.baseUrl,
    fetch,
  });
  const ownOrigin = new URL(options.baseUrl).origin;
  const submitted = new Map<string, ClipRequest>();

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw errorOf(thrown);
    }
  }

  async function get(predictionId: string, signal: AbortSignal): Promise<PredictionState> {
    return predictionOf(await call(() => client.predictions.get(predictionId, { signal })));
  }

  async function submit(
    request: ClipRequest,
    signal: AbortSignal,
    beforeSend?: () => Promise<void>,
  ): Promise<PredictionState> {
    const input = modelInput(request);
    submitted.set(request.attemptKey, request);
    const oldest = submitted.keys().next().value;
    if (submitted.size > MAX_REMEMBERED && oldest !== undefined) submitted.delete(oldest);
    const attributes = { [ATTR.model]: request.model };
    const create = async (): Promise<PredictionState> =>
      predictionOf(
        await call(() =>
          client.predictions.create({
            model: request.model,
            input,
            ...(options.webhookBaseUrl === undefined
              ? {}
              : {
                  webhook: webhookUrl(options.webhookBaseUrl, request.attemptKey),
                  webhook_events_filter: ['completed'],
                }),
          }),
        ),
      );
    await limiter.acquire('create', signal);
    await beforeSend?.();
    return withSpan(TRACER, 'replicate create', attributes, create, SpanKind.CLIENT);
  }

  async function find(
    attemptKey: string,
    since: Date,
    signal: AbortSignal,
    request = submitted.get(attemptKey),
  ): Promise<PredictionState | undefined> {
    let next: string | undefined = 'predictions';
    for (let page = 0; page < MAX_PAGES && next !== undefined; page += 1) {
      const route: string = next;
      // A page of another origin would be given the token.
      const { origin } = new URL(route, options.baseUrl);
      if (origin !== ownOrigin) throw new ClipmeshError('PROVIDER_BAD_ANSWER', `the next page is at ${origin}`);
      const answer: unknown = await call(async (): Promise<unknown> => (await client.request(route, { method: 'GET', signal })).json());
      const parsed = pageSchema.safeParse(answer);
      if (!parsed.success) {
        throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'the list of predictions is not readable', {
          cause: parsed.error,
        });
      }
      for (const listed of parsed.data.results) {
        const createdMs = Date.parse(listed.created_at ?? '');
        if (createdMs < since.getTime() - CLOCK_SKEW_MS) return undefined;
        // Told by its input alone, one that ended badly before `since` is a former attempt's.
        const former = createdMs < since.getTime() && !['starting', 'processing', 'succeeded'].includes(listed.status);
        if (!former && isOfAttempt(listed, attemptKey, request)) return predictionOf(listed);
      }
      next = parsed.data.next ?? undefined;
    }
    // To answer "not there" without having looked to the end would buy it again.
    if (next !== undefined) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'too many predictions to look through');
    return undefined;
  }

  async function wait(
    predictionId: string,
    { signal, timeoutMs, onProgress, onLog }: WaitOptions,
  ): Promise<PredictionState> {
    const startedMs = Date.now();
    const deadline = AbortSignal.timeout(timeoutMs);
    const either = AbortSignal.any([signal, deadline]);
    let failures = 0;
    let loggedMs = 0;
    for (;;) {
      let gapMs: number;
      try {
        const state = await get(predictionId, either);
        failures = 0;
        onProgress?.(state);
        if (isFinal(state)) {
          const since = Date.parse(state.createdAt ?? '');
          recordStretches(state, Number.isNaN(since) ? startedMs : since, Date.now());
          return state;
        }
        gapMs = pollGapMs(Date.now() - startedMs, options.pollIntervalMs);
      } catch (error) {
        if (!either.aborted && !(error instanceof ClipmeshError && error.retryable)) throw error;
        failures += 1;
        gapMs = backOffMs(failures, options.pollIntervalMs);
      }
      const elapsedMs = Date.now() - startedMs;
      if (elapsedMs - loggedMs >= options.pollLogIntervalMs) {
        loggedMs = elapsedMs;
        onLog?.(elapsedMs);
      }
      await delay(gapMs, undefined, { signal: either }).catch(() => undefined);
      if (signal.aborted) throw new ClipmeshError('CANCELED', `waiting for prediction ${predictionId} was canceled`);
      if (deadline.aborted)
        throw new ClipmeshError('PROVIDER_TIMEOUT', `prediction ${predictionId} did not end within ${timeoutMs} ms`);
    }
  }

  return {
    name: 'replicate',
    submit,
    get,
    find,
    wait,
    async cancel(predictionId) {
      const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
      await call(() => client.request(`predictions/${predictionId}/cancel`, { method: 'POST', signal }));
      return wait(predictionId, { signal, timeoutMs: CANCEL_TIMEOUT_MS });
    },
    download: (url, file, signal) =>
      withSpan(
        TRACER,
        'download',
        {},
        () =>
          downloadTo(
            url,
            file,
            {
              ownOrigin,
              timeoutMs: options.downloadTimeoutMs,
              maxBytes: options.maxDownloadBytes ?? 512 * 1024 * 1024,
            },
            signal,
          ),
        SpanKind.CLIENT,
      ),
  };
}

function webhookUrl(base: string, key: string): string {
  const url = new URL(base);
  url.searchParams.set('key', key);
  return url.href;
}
