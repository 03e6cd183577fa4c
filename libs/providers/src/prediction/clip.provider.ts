import { type Artifact } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import { type BreakerSettings } from '../limits/breaker.js';
import { CircuitBreakers } from '../limits/breaker.registry.js';
import { RateLimiter } from '../limits/rate.limiter.js';
import { type SharedState } from '../limits/shared.state.js';
import { type ModelEntries } from '../models/model.entry.js';
import { type ClipProvider, type NudgeSource } from '../ports.js';
import { type ProviderLog } from '../provider.events.js';
import { downloadTo } from './clip.download.js';
import { type CancelDeps, createCanceler } from './prediction.cancel.js';
import { createSubmitter, type SubmitDeps } from './prediction.submit.js';
import { createWaiter } from './prediction.wait.js';

/** What every provider is built with. Durations are ms. */
export interface CommonOptions {
  /** The known models. A provider buys only those whose entry names it. */
  readonly models: ModelEntries;
  /** Longest interval between two polls. */
  readonly pollIntervalMs: number;
  readonly pollLogIntervalMs: number;
  readonly downloadTimeoutMs: number;
  /** A download is aborted after this long without data. */
  readonly downloadIdleTimeoutMs: number;
  /** Default: 512 MB. */
  readonly maxDownloadBytes?: number;
  /** Time limit of one API call. Default: 30,000. */
  readonly callTimeoutMs?: number;
  /** Reads a reference image. */
  readonly readFile: (artifact: Artifact) => Promise<Uint8Array>;
  /** Shares rate limits, cool-downs and circuit breakers with the other replicas. Default: not shared. */
  readonly shared?: SharedState;
  /** Default: 5 failures, 30 s. */
  readonly breaker?: BreakerSettings;
  /** Wakes a wait when the provider has reported. Default: polling only. */
  readonly nudge?: NudgeSource;
  readonly log?: ProviderLog;
}

/** The rate limits of a provider. */
export interface RateOptions {
  readonly createsPerMinute: number;
  readonly callsPerMinute: number;
  /** A create blocks the next one for at most this long, ms. Default: 1000. */
  readonly createSlotMs?: number;
}

/** What a provider states itself. */
export interface ProviderTraits
  extends Pick<ClipProvider, 'guarantee' | 'cacheOrigin' | 'get' | 'find'>, Pick<SubmitDeps, 'inputOf' | 'create'> {
  /** The origin of the provider whose files may be downloaded over plain http too, given the URL of an output. Empty: none. */
  readonly ownOriginOf: (outputUrl: string) => string;
  /** Its `cancel`, or the call that a cancel sends: see {@link CancelDeps}. */
  readonly cancel: ClipProvider['cancel'] | Pick<CancelDeps, 'send'>;
  /** Wakes a wait. Default: that of the options. */
  readonly nudge?: NudgeSource;
}

/** A provider with connections. `close` returns leased tokens to the shared limits and stops listening. It never rejects. */
export type OpenProvider = ClipProvider & { close(): Promise<void> };

/** Default of `callTimeoutMs`. */
export const CALL_TIMEOUT_MS = 30_000;
const CREATE_SLOT_MS = 1000;
/** Default of `maxDownloadBytes`. */
export const MAX_DOWNLOAD_BYTES = 512 * 1024 * 1024;
const BREAKER: BreakerSettings = { failures: 5, openMs: 30_000 };

/** The input of a reference image as a data URL. */
export async function dataUrlOf(image: Artifact, readFile: CommonOptions['readFile']): Promise<string> {
  return `data:${image.contentType};base64,${Buffer.from(await readFile(image)).toString('base64')}`;
}

/**
 * Builds a provider with rate limits from what it states itself. Its calls go through the limiter, and its creates through the
 * circuit breaker of the model, one at a time.
 */
export function createClipProvider(
  name: string,
  options: CommonOptions & RateOptions,
  traitsOf: (limiter: RateLimiter) => ProviderTraits,
): OpenProvider {
  const { shared, log } = options;
  const limiter = new RateLimiter({
    scope: name,
    createsPerMinute: options.createsPerMinute,
    callsPerMinute: options.callsPerMinute,
    ...(shared === undefined ? {} : { store: shared }),
    ...(log === undefined ? {} : { log }),
  });
  const admission = { limiter, slotMs: options.createSlotMs ?? CREATE_SLOT_MS };
  return assemble(name, options, traitsOf(limiter), admission);
}

/** Builds a provider without rate limits, such as servers of the user, from what it states itself. */
export const createUnlimitedProvider = (name: string, options: CommonOptions, traits: ProviderTraits): OpenProvider =>
  assemble(name, options, traits, undefined);

function assemble(
  name: string,
  options: CommonOptions,
  traits: ProviderTraits,
  admission: SubmitDeps['admission'],
): OpenProvider {
  const { models, callTimeoutMs = CALL_TIMEOUT_MS, pollIntervalMs, pollLogIntervalMs } = options;
  const { get, find, guarantee, cacheOrigin, inputOf, create, cancel, ownOriginOf } = traits;
  const breakers = new CircuitBreakers(options.breaker ?? BREAKER, options.shared, options.log);
  return {
    name,
    guarantee,
    cacheOrigin,
    submit: createSubmitter({ provider: name, models, breakers, callTimeoutMs, admission, inputOf, create }),
    get,
    find,
    wait: createWaiter({ get, breakers, pollIntervalMs, pollLogIntervalMs, nudge: traits.nudge ?? options.nudge }),
    cancel: typeof cancel === 'function' ? cancel : createCanceler({ get, ...cancel }),
    download: (url, file, signal) => {
      const limits = {
        ownOrigin: ownOriginOf(url),
        timeoutMs: options.downloadTimeoutMs,
        idleTimeoutMs: options.downloadIdleTimeoutMs,
        maxBytes: options.maxDownloadBytes ?? MAX_DOWNLOAD_BYTES,
      };
      const download = (): Promise<{ bytes: number }> => downloadTo(url, file, limits, signal);
      return withSpan('clipmesh.providers', 'download', {}, download, SpanKind.CLIENT);
    },
    async close() {
      breakers.close();
      await admission?.limiter.close();
    },
  };
}
