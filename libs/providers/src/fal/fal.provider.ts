import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { lengthsOf } from '@clipmesh/billing';
import { withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import { type BreakerSettings } from '../limits/breaker.js';
import { CircuitBreakers } from '../limits/breaker.registry.js';
import { RateLimiter } from '../limits/rate.limiter.js';
import { type SharedState } from '../limits/shared.state.js';
import { type ModelEntries, type ModelEntry, targetOf } from '../models/model.entry.js';
import { modelInput } from '../models/model.input.js';
import { type NudgeSource, type Operation, type PredictionState } from '../ports.js';
import { downloadTo } from '../prediction/clip.download.js';
import { createCanceler } from '../prediction/prediction.cancel.js';
import { createSubmitter } from '../prediction/prediction.submit.js';
import { createWaiter } from '../prediction/prediction.wait.js';
import { type CallOptions, createProviderCall, type ProviderAnswer } from '../prediction/provider.call.js';
import { type ProviderLog } from '../provider.events.js';
import { type OpenProvider } from '../provider.registration.js';
import { createFalFinder, type FalReports } from './fal.find.js';
import { cancelWordOf, endedStateOf, isErrorOfRun, openStateOf, statusOf, submittedOf } from './fal.answers.js';

export interface FalOptions {
  readonly key: string;
  /** The known models. Only those of the provider `fal` are bought here. */
  readonly models: ModelEntries;
  readonly baseUrl: string;
  /** Longest interval between two polls, ms. */
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  readonly downloadTimeoutMs: number;
  /** A download is aborted after this long without data, ms. */
  readonly downloadIdleTimeoutMs: number;
  /** Time limit of one API call, ms. */
  readonly callTimeoutMs: number;
  readonly createsPerMinute: number;
  readonly callsPerMinute: number;
  /** Reads a reference image. */
  readonly readFile: (artifact: Artifact) => Promise<Uint8Array>;
  /** A create blocks the next one for at most this long, ms. */
  readonly createSlotMs: number;
  /** fal drops a request that has not started after this time, ms. */
  readonly startTimeoutMs: number;
  /** Shares rate limits, cool-downs and circuit breakers with the other replicas. Default: not shared. */
  readonly shared?: SharedState;
  readonly breaker: BreakerSettings;
  /** Wakes a wait when fal has reported. Default: polling only. */
  readonly nudge?: NudgeSource;
  /** Default: fal reports nothing. */
  readonly reports?: FalReports;
  readonly log?: ProviderLog;
}

const FAL = 'fal';
/** It lists no requests and takes no key of the caller, and a report may be lost. */
export const FAL_GUARANTEE = 'at_most_once_more';
const MAX_DOWNLOAD_BYTES = 512 * 1024 * 1024;
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
export function createFalProvider(options: FalOptions): OpenProvider {
  const { models, shared, log, breaker, callTimeoutMs, reports } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const limiter = new RateLimiter({
    scope: FAL,
    createsPerMinute: options.createsPerMinute,
    callsPerMinute: options.callsPerMinute,
    ...(shared === undefined ? {} : { store: shared }),
    ...(log === undefined ? {} : { log }),
  });
  const breakers = new CircuitBreakers(breaker, shared, log);
  const send = createProviderCall(limiter, callTimeoutMs);
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

  const requestPath = ({ id, model }: Operation): string => {
    const entry = models.get(model);
    if (entry === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `model ${model} is unknown`);
    return `${appOf(targetOf(entry, false))}/requests/${encodeURIComponent(id)}`;
  };

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

  const submit = createSubmitter({
    provider: FAL,
    models,
    limiter,
    breakers,
    callTimeoutMs,
    slotMs: options.createSlotMs,
    async inputOf(entry, _target, request) {
      const { referenceImage: image } = request;
      const imageUrl =
        image && `data:${image.contentType};base64,${Buffer.from(await options.readFile(image)).toString('base64')}`;
      return modelInput(entry, request, imageUrl);
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
  });

  return {
    name: FAL,
    guarantee: FAL_GUARANTEE,
    cacheOrigin: `${FAL} ${options.baseUrl}`,
    submit,
    get,
    find: createFalFinder(reports, get),
    wait: createWaiter({
      get,
      breakers,
      pollIntervalMs: options.pollIntervalMs,
      pollLogIntervalMs: options.pollLogIntervalMs,
      nudge: options.nudge,
    }),
    cancel: createCanceler({
      get,
      async send(operation, signal) {
        const answer = await call('PUT', `${requestPath(operation)}/cancel`, { signal });
        const word = cancelWordOf(answer);
        // Removed from the queue: it never started, so it is not billed.
        if (word === 'OK') return { id: operation.id, model: operation.model, status: 'canceled' };
        // It runs, and is billed, also when its log and the status say nothing.
        if (word === 'CANCELLATION_REQUESTED') see(operation.id);
        return undefined;
      },
    }),
    async close() {
      breakers.close();
      await limiter.close();
    },
    download: (url, file, signal) =>
      withSpan(
        'clipmesh.providers',
        'download',
        {},
        () =>
          downloadTo(
            url,
            file,
            {
              ownOrigin: new URL(baseUrl).origin,
              timeoutMs: options.downloadTimeoutMs,
              idleTimeoutMs: options.downloadIdleTimeoutMs,
              maxBytes: MAX_DOWNLOAD_BYTES,
            },
            signal,
          ),
        SpanKind.CLIENT,
      ),
  };
}
