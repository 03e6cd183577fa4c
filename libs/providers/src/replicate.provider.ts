import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import Replicate from 'replicate';
import { z } from 'zod';
import { BreakerBoard } from './breaker.board.js';
import { type BreakerSettings } from './breaker.js';
import { downloadTo } from './clip.download.js';
import { type ClipRequest } from './clip.request.js';
import { createImageUpload } from './image.upload.js';
import { type ClipProvider, type NudgeSource, type PredictionState } from './ports.js';
import { createCanceler } from './prediction.cancel.js';
import {
  DEFAULT_INPUT_KEY,
  isOfAttempt,
  keysOf,
  isRefusal,
  predictionOf,
  wirePredictionSchema,
} from './prediction.state.js';
import { createSubmitter } from './prediction.submit.js';
import { createWaiter } from './prediction.wait.js';
import { type ProviderLog } from './provider.events.js';
import { RateLimiter } from './rate.limiter.js';
import { openCallDoor } from './replicate.fetch.js';
import { type SharedState } from './shared.state.js';

export interface ReplicateOptions {
  readonly token: string;
  readonly baseUrl: string;
  /** Longest gap between two polls, ms. */
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  readonly downloadTimeoutMs: number;
  /** A download that brings nothing for this long is broken off, ms. */
  readonly downloadIdleTimeoutMs: number;
  /** 512 MB unless told. */
  readonly maxDownloadBytes?: number;
  /** Longest single API call, ms; 30 s unless told. */
  readonly callTimeoutMs?: number;
  readonly createsPerMinute: number;
  readonly callsPerMinute: number;
  /** The bytes of a reference image. */
  readonly readFile: (artifact: Artifact) => Promise<Uint8Array>;
  /** Where the provider reports; the attempt key is added as `?key=`. */
  readonly webhookBaseUrl?: string;
  /** Input field that carries the attempt key; `clipmesh_key` unless told, none when empty. */
  readonly inputKey?: string;
  /** The provider itself ends a prediction after this time, ms. */
  readonly cancelAfterMs?: number;
  /** Where rate limits, cool-downs and circuit breakers are shared with the other replicas; this process's own without it. */
  readonly shared?: SharedState;
  /** 5 failures and 30 s unless told. */
  readonly breaker?: BreakerSettings;
  /** Tells when the provider reported about a prediction. */
  readonly nudge?: NudgeSource;
  readonly log?: ProviderLog;
}

/** `close` gives back what was leased from the shared limits and stops listening; it never rejects. */
export type ReplicateProvider = ClipProvider & { close(): Promise<void> };

const TRACER = 'clipmesh.providers';
const MAX_PAGES = 50;
/** How far the provider's clock may be behind ours, ms. */
const CLOCK_SKEW_MS = 5000;
const MAX_REMEMBERED = 1000;
const DEFAULT_BREAKER: BreakerSettings = { failures: 5, openMs: 30_000 };
const pageSchema = z.object({ next: z.string().nullish(), results: z.array(wirePredictionSchema) });

/** Replicate, or anything that speaks its API. */
export function createReplicateProvider(options: ReplicateOptions): ReplicateProvider {
  const { shared, log, breaker = DEFAULT_BREAKER, callTimeoutMs = 30_000, inputKey = DEFAULT_INPUT_KEY } = options;
  const limiter = new RateLimiter({
    createsPerMinute: options.createsPerMinute,
    callsPerMinute: options.callsPerMinute,
    ...(shared === undefined ? {} : { store: shared }),
    ...(log === undefined ? {} : { log }),
  });
  const breakers = new BreakerBoard(breaker, shared, log);
  const { fetch, errorOf } = openCallDoor(limiter, callTimeoutMs);
  const client = new Replicate({
    auth: options.token,
    baseUrl: options.baseUrl,
    fetch,
  });
  const images = createImageUpload({ client, call, readFile: options.readFile });
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
    const answer = await call(() => client.predictions.get(predictionId, { signal }));
    const state = predictionOf(answer);
    // It may have failed because its picture is gone there; the next try would name the same one.
    if (state.status === 'failed' && !isRefusal(state)) images.forget({ ...answer.input });
    return state;
  }

  const submitOne = createSubmitter({
    client,
    call,
    imageUrl: images.urlOf,
    limiter,
    breakers,
    log,
    callTimeoutMs,
    cancelAfterMs: options.cancelAfterMs,
    webhookBaseUrl: options.webhookBaseUrl,
    inputKey,
  });

  const submit: ClipProvider['submit'] = (request, signal, beforeSend) => {
    submitted.set(request.attemptKey, request);
    const oldest = submitted.keys().next().value;
    if (submitted.size > MAX_REMEMBERED && oldest !== undefined) submitted.delete(oldest);
    return submitOne(request, signal, beforeSend);
  };

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
      const answer: unknown = await call(async (): Promise<unknown> =>
        (await client.request(route, { method: 'GET', signal })).json(),
      );
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
        const endedBadly = !['starting', 'processing', 'succeeded'].includes(listed.status);
        const former = createdMs < since.getTime() && endedBadly && keysOf(listed, inputKey).length === 0;
        if (!former && isOfAttempt(listed, attemptKey, request, inputKey)) return predictionOf(listed);
      }
      next = parsed.data.next ?? undefined;
    }
    // To answer "not there" without having looked to the end would buy it again.
    if (next !== undefined) throw new ClipmeshError('PROVIDER_UNAVAILABLE', 'too many predictions to look through');
    return undefined;
  }

  return {
    name: 'replicate',
    submit,
    get,
    find,
    wait: createWaiter({
      get,
      breakers,
      pollIntervalMs: options.pollIntervalMs,
      pollLogIntervalMs: options.pollLogIntervalMs,
      nudge: options.nudge,
    }),
    cancel: createCanceler({ client, call, get }),
    async close() {
      breakers.close();
      await limiter.close();
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
              idleTimeoutMs: options.downloadIdleTimeoutMs,
              maxBytes: options.maxDownloadBytes ?? 512 * 1024 * 1024,
            },
            signal,
          ),
        SpanKind.CLIENT,
      ),
  };
}
