import { lengthsOf } from '@clipmesh/billing';
import { entryOf, type ModelEntry, targetOf } from '../models/model.entry.js';
import { modelInput } from '../models/model.input.js';
import { type Operation, type PredictionState } from '../ports.js';
import {
  CALL_TIMEOUT_MS,
  type CommonOptions,
  createClipProvider,
  dataUrlOf,
  type OpenProvider,
  type ProviderTraits,
  type RateOptions,
} from '../prediction/clip.provider.js';
import {
  type CallOptions,
  createProviderCall,
  type ProviderAnswer,
  type ProviderCall,
} from '../prediction/provider.call.js';
import { createFalFinder, type FalReports } from './fal.find.js';
import { cancelWordOf, endedStateOf, isErrorOfRun, openStateOf, statusOf, submittedOf } from './fal.answers.js';

export interface FalOptions extends CommonOptions, RateOptions {
  readonly key: string;
  readonly baseUrl: string;
  /** fal drops a request that has not started after this time, ms. */
  readonly startTimeoutMs: number;
  /** Default: fal reports nothing. */
  readonly reports?: FalReports;
}

const FAL = 'fal';
/** It lists no requests and takes no key of the caller, and a report may be lost. */
export const FAL_GUARANTEE = 'at_most_once_more';
/** Runs of which the start was seen are remembered, at most this many. */
const MAX_SEEN = 10_000;
/** Namespaces whose applications have one more segment. */
const LONG_NAMESPACES: ReadonlySet<string> = new Set(['workflows', 'comfy']);

/** The application of an endpoint, which is in the URLs of its requests. */
export function appOf(endpoint: string): string {
  const segments = endpoint.split('/');
  return segments.slice(0, LONG_NAMESPACES.has(segments[0] ?? '') ? 3 : 2).join('/');
}

/** A provider for fal's queue, or a service with the same API. */
export const createFalProvider = (options: FalOptions): OpenProvider =>
  createClipProvider(FAL, options, (limiter) =>
    falTraits(options, createProviderCall(limiter, options.callTimeoutMs ?? CALL_TIMEOUT_MS)),
  );

function falTraits(options: FalOptions, send: ProviderCall): ProviderTraits {
  const { models, reports } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  /** When runs that have not ended were seen first. fal names no start. */
  const seen = new Map<string, string>();

  const call = (
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    init: Pick<RequestInit, 'body' | 'signal'> & { readonly headers?: Readonly<Record<string, string>> },
    more: Partial<CallOptions> = {},
  ): Promise<ProviderAnswer> => {
    const headers = { ...init.headers, authorization: `Key ${options.key}`, accept: 'application/json' };
    return send(`${baseUrl}/${path}`, { ...init, method, headers, redirect: 'error' }, { isCreate: false, ...more });
  };

  const requestPath = ({ id, model }: Operation): string =>
    `${appOf(targetOf(entryOf(models, model), false))}/requests/${encodeURIComponent(id)}`;

  /** The seconds to bill for a failed run. Only with a price for each second are the units of fal seconds. */
  const billedSecondsOf =
    (entry: ModelEntry | undefined) =>
    (units: number): number => {
      const isPerSecond = entry?.skus.every(({ per }) => per === 'second') === true;
      return isPerSecond ? units : ((entry && lengthsOf(entry)[0]) ?? units);
    };

  function see(id: string): string {
    const at = seen.get(id) ?? new Date().toISOString();
    seen.set(id, at);
    const oldest = seen.keys().next().value;
    if (seen.size > MAX_SEEN && oldest !== undefined) seen.delete(oldest);
    return at;
  }

  async function get(operation: Operation, signal: AbortSignal): Promise<PredictionState> {
    const { id, model } = operation;
    const path = requestPath(operation);
    const status = statusOf(await call('GET', `${path}/status?logs=1`, { signal }));
    if (status.status !== 'COMPLETED')
      return openStateOf(status, id, model, status.status === 'IN_PROGRESS' ? see(id) : undefined);
    const result = await call('GET', path, { signal }, { accepts: isErrorOfRun });
    const billedSeconds = billedSecondsOf(models.get(model));
    const state = endedStateOf({ id, model, status, result, seenAt: seen.get(id), billedSeconds });
    seen.delete(id);
    return state;
  }

  return {
    guarantee: FAL_GUARANTEE,
    cacheOrigin: `${FAL} ${options.baseUrl}`,
    ownOriginOf: () => new URL(baseUrl).origin,
    async inputOf(entry, _target, request) {
      const { referenceImage: image } = request;
      return modelInput(entry, request, image && (await dataUrlOf(image, options.readFile)));
    },
    async create(target, { model, attemptKey }, input, signal) {
      const headers = {
        'content-type': 'application/json',
        // A retry or another endpoint of the platform could be billed twice, or at another price.
        'x-fal-no-retry': '1',
        'x-app-fal-disable-fallback': 'true',
        'x-fal-request-timeout': String(Math.max(1, Math.ceil(options.startTimeoutMs / 1000))),
      };
      const body = JSON.stringify(input);
      const query = reports && new URLSearchParams({ fal_webhook: reports.addressOf(attemptKey) });
      const path = query === undefined ? target : `${target}?${query.toString()}`;
      return submittedOf(await call('POST', path, { headers, body, signal }, { isCreate: true }), model);
    },
    get,
    find: createFalFinder(reports, get),
    cancel: {
      async send(operation, signal) {
        const answer = await call('PUT', `${requestPath(operation)}/cancel`, { signal });
        const word = cancelWordOf(answer);
        // Removed from the queue: it never started, so it is not billed.
        if (word === 'OK') return { id: operation.id, model: operation.model, status: 'canceled' };
        // It runs, and is billed, also when its log and the status say nothing.
        if (word === 'CANCELLATION_REQUESTED') see(operation.id);
        return undefined;
      },
    },
  };
}
