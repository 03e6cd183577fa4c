import Replicate from 'replicate';
import { isRefusal } from '../prediction/prediction.outcome.js';
import { type Operation, type PredictionState } from '../ports.js';
import {
  CALL_TIMEOUT_MS,
  type CommonOptions,
  createClipProvider,
  type OpenProvider,
  type ProviderTraits,
  type RateOptions,
} from '../prediction/clip.provider.js';
import { createImageUpload } from './input/image.upload.js';
import { createKeyField } from './input/key.field.js';
import { predictionOf } from './prediction.answer.js';
import { replicateCreates } from './prediction.create.js';
import { createFinder } from './prediction.find.js';
import { createReplicateFetch, type ReplicateFetch } from './replicate.fetch.js';

export interface ReplicateOptions extends CommonOptions, RateOptions {
  readonly token: string;
  readonly baseUrl: string;
  /** Webhook URL for the provider's reports. The purchase key is added as `?key=`. Default: no webhook. */
  readonly webhookBaseUrl?: string;
  /** Input field that carries the purchase key, for models whose schema has it. Default: empty, none. */
  readonly inputKey?: string;
  /** The provider cancels a prediction after this time, ms. Default: never. */
  readonly cancelAfterMs?: number;
}

const REPLICATE = 'replicate';
/** Its list of predictions says whether a purchase was made. */
export const REPLICATE_GUARANTEE = 'never_twice';

/** A provider for Replicate or a service with the same API. */
export const createReplicateProvider = (options: ReplicateOptions): OpenProvider =>
  createClipProvider(REPLICATE, options, (limiter) =>
    replicateTraits(options, createReplicateFetch(limiter, options.callTimeoutMs ?? CALL_TIMEOUT_MS)),
  );

function replicateTraits(options: ReplicateOptions, { fetch, errorOf }: ReplicateFetch): ProviderTraits {
  const { inputKey = '', log } = options;
  const client = new Replicate({
    auth: options.token,
    baseUrl: options.baseUrl,
    fetch,
  });
  const images = createImageUpload({ client, call, readFile: options.readFile });

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

  return {
    guarantee: REPLICATE_GUARANTEE,
    cacheOrigin: `${REPLICATE} ${options.baseUrl}`,
    ownOriginOf: () => new URL(options.baseUrl).origin,
    ...replicateCreates({
      client,
      call,
      imageUrl: images.urlOf,
      keyField: createKeyField({ client, call, field: inputKey, log }),
      cancelAfterMs: options.cancelAfterMs,
      webhookBaseUrl: options.webhookBaseUrl,
    }),
    get,
    find: createFinder({ client, call, baseUrl: options.baseUrl, models: options.models, inputKey }),
    cancel: {
      send: async ({ id }, signal) => {
        await call(() => client.request(`predictions/${id}/cancel`, { method: 'POST', signal }));
        return undefined;
      },
    },
  };
}
