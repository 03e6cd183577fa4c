import { type Artifact } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import Replicate from 'replicate';
import { CircuitBreakers } from '../limits/breaker.registry.js';
import { type BreakerSettings } from '../limits/breaker.js';
import { downloadTo } from '../prediction/clip.download.js';
import { createImageUpload } from './input/image.upload.js';
import { createKeyField } from './input/key.field.js';
import { type ClipProvider, type NudgeSource, type Operation, type PredictionState } from '../ports.js';
import { type ModelEntries } from '../models/model.entry.js';
import { createCanceler } from '../prediction/prediction.cancel.js';
import { createFinder } from './prediction.find.js';
import { predictionOf } from './prediction.answer.js';
import { isRefusal } from '../prediction/prediction.outcome.js';
import { createSubmitter } from '../prediction/prediction.submit.js';
import { replicateCreates } from './prediction.create.js';
import { createWaiter } from '../prediction/prediction.wait.js';
import { type ProviderLog } from '../provider.events.js';
import { RateLimiter } from '../limits/rate.limiter.js';
import { createReplicateFetch } from './replicate.fetch.js';
import { type SharedState } from '../limits/shared.state.js';

export interface ReplicateOptions {
  readonly token: string;
  /** The known models. Only those of the provider `replicate` are bought here. */
  readonly models: ModelEntries;
  readonly baseUrl: string;
  /** Longest interval between two polls, ms. */
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  readonly downloadTimeoutMs: number;
  /** A download is aborted after this long without data, ms. */
  readonly downloadIdleTimeoutMs: number;
  /** Default: 512 MB. */
  readonly maxDownloadBytes?: number;
  /** Time limit of one API call, ms. Default: 30,000. */
  readonly callTimeoutMs?: number;
  readonly createsPerMinute: number;
  readonly callsPerMinute: number;
  /** Reads a reference image. */
  readonly readFile: (artifact: Artifact) => Promise<Uint8Array>;
  /** Webhook URL for the provider's reports. The purchase key is added as `?key=`. Default: no webhook. */
  readonly webhookBaseUrl?: string;
  /** Input field that carries the purchase key, for models whose schema has it. Default: empty, none. */
  readonly inputKey?: string;
  /** A create blocks the next one for at most this long, ms. Default: 1000. */
  readonly createSlotMs?: number;
  /** The provider cancels a prediction after this time, ms. Default: never. */
  readonly cancelAfterMs?: number;
  /** Shares rate limits, cool-downs and circuit breakers with the other replicas. Default: not shared. */
  readonly shared?: SharedState;
  /** Default: 5 failures, 30 s. */
  readonly breaker?: BreakerSettings;
  /** Reports about predictions from the provider. Default: polling only. */
  readonly nudge?: NudgeSource;
  readonly log?: ProviderLog;
}

/** `close` returns leased tokens to the shared limits and stops listening. It never rejects. */
export type ReplicateProvider = ClipProvider & { close(): Promise<void> };

const REPLICATE = 'replicate';
/** Its list of predictions says whether a purchase was made. */
export const REPLICATE_GUARANTEE = 'never_twice';
const TRACER = 'clipmesh.providers';
const DEFAULT_SLOT_MS = 1000;
const DEFAULT_BREAKER: BreakerSettings = { failures: 5, openMs: 30_000 };

/** A provider for Replicate or a service with the same API. */
export function createReplicateProvider(options: ReplicateOptions): ReplicateProvider {
  const { shared, log, breaker = DEFAULT_BREAKER, callTimeoutMs = 30_000, inputKey = '' } = options;
  const limiter = new RateLimiter({
    createsPerMinute: options.createsPerMinute,
    callsPerMinute: options.callsPerMinute,
    ...(shared === undefined ? {} : { store: shared }),
    ...(log === undefined ? {} : { log }),
  });
  const breakers = new CircuitBreakers(breaker, shared, log);
  const { fetch, errorOf } = createReplicateFetch(limiter, callTimeoutMs);
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

  async function get({ id }: Operation, signal: AbortSignal): Promise<PredictionState> {
    const answer = await call(() => client.predictions.get(id, { signal }));
    const state = predictionOf(answer);
    // The uploaded image may have expired; a retry must not use the same URL.
    if (state.status === 'failed' && !isRefusal(state)) images.invalidate({ ...answer.input });
    return state;
  }

  const submit = createSubmitter({
    provider: REPLICATE,
    models: options.models,
    limiter,
    breakers,
    callTimeoutMs,
    slotMs: options.createSlotMs ?? DEFAULT_SLOT_MS,
    ...replicateCreates({
      client,
      call,
      imageUrl: images.urlOf,
      keyField: createKeyField({ client, call, field: inputKey, log }),
      cancelAfterMs: options.cancelAfterMs,
      webhookBaseUrl: options.webhookBaseUrl,
    }),
  });

  return {
    name: REPLICATE,
    guarantee: REPLICATE_GUARANTEE,
    cacheOrigin: `${REPLICATE} ${options.baseUrl}`,
    submit,
    get,
    find: createFinder({ client, call, baseUrl: options.baseUrl, models: options.models, inputKey }),
    wait: createWaiter({
      get,
      breakers,
      pollIntervalMs: options.pollIntervalMs,
      pollLogIntervalMs: options.pollLogIntervalMs,
      nudge: options.nudge,
    }),
    cancel: createCanceler({
      get,
      send: async ({ id }, signal) => {
        await call(() => client.request(`predictions/${id}/cancel`, { method: 'POST', signal }));
        return undefined;
      },
    }),
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
