import { type Artifact } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import Replicate from 'replicate';
import { BreakerBoard } from './breaker.board.js';
import { type BreakerSettings } from './breaker.js';
import { downloadTo } from './clip.download.js';
import { createImageUpload } from './image.upload.js';
import { createKeyField } from './key.field.js';
import { type ClipProvider, type NudgeSource, type PredictionState } from './ports.js';
import { createCanceler } from './prediction.cancel.js';
import { createFinder } from './prediction.find.js';
import { isRefusal, predictionOf } from './prediction.state.js';
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
  /** Input field that carries the attempt key, for models whose schema has it. Default: empty, none. */
  readonly inputKey?: string;
  /** A create without an answer for this long holds back no others, ms. Default: 1000. */
  readonly createSlotMs?: number;
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
const DEFAULT_SLOT_MS = 1000;
const DEFAULT_BREAKER: BreakerSettings = { failures: 5, openMs: 30_000 };

/** Replicate, or anything that speaks its API. */
export function createReplicateProvider(options: ReplicateOptions): ReplicateProvider {
  const { shared, log, breaker = DEFAULT_BREAKER, callTimeoutMs = 30_000, inputKey = '' } = options;
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

  const submit = createSubmitter({
    client,
    call,
    imageUrl: images.urlOf,
    keyField: createKeyField({ client, call, field: inputKey, log }),
    limiter,
    breakers,
    callTimeoutMs,
    slotMs: options.createSlotMs ?? DEFAULT_SLOT_MS,
    cancelAfterMs: options.cancelAfterMs,
    webhookBaseUrl: options.webhookBaseUrl,
  });

  return {
    name: 'replicate',
    submit,
    get,
    find: createFinder({ client, call, baseUrl: options.baseUrl, inputKey }),
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
