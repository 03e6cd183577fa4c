import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { ATTR, withSpan } from '@clipmesh/tracing';
import { SpanKind } from '@opentelemetry/api';
import { type BreakerSettings, breakerEventOf } from '../limits/breaker.js';
import { CircuitBreakers } from '../limits/breaker.registry.js';
import { type SharedState } from '../limits/shared.state.js';
import { type ModelEntries } from '../models/model.entry.js';
import { modelInput } from '../models/model.input.js';
import { type ClipProvider } from '../ports.js';
import { downloadTo } from '../prediction/clip.download.js';
import { createWaiter } from '../prediction/prediction.wait.js';
import { type ProviderLog } from '../provider.events.js';
import { type OpenProvider } from '../provider.registration.js';
import { heldCalls } from './cog.held.js';
import { type CogReports, reportedRuns } from './cog.reported.js';
import { CogServers } from './cog.servers.js';

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
  /** Default: the call of each prediction is held until its end. */
  readonly reports?: CogReports;
  readonly log?: ProviderLog;
}

const NAME = 'cog';
/** A server remembers no prediction that has ended, and its report may be lost. */
export const COG_GUARANTEE = 'at_most_once_more';
const MAX_DOWNLOAD_BYTES = 512 * 1024 * 1024;

/** A provider for models that run on Cog servers of the user. */
export function createCogProvider(options: CogOptions): OpenProvider {
  const { callTimeoutMs, models, reports, runTimeoutMs, maxDownloadBytes = MAX_DOWNLOAD_BYTES } = options;
  const servers = new CogServers({ endpoints: options.endpoints, callTimeoutMs });
  const breakers = new CircuitBreakers(options.breaker, options.shared, options.log);
  const way =
    reports === undefined ? heldCalls(servers, { runTimeoutMs, maxDownloadBytes }) : reportedRuns(servers, reports);
  const { origins } = servers;

  async function dataUrlOf(image: Artifact): Promise<string> {
    return `data:${image.contentType};base64,${Buffer.from(await options.readFile(image)).toString('base64')}`;
  }

  const submit: ClipProvider['submit'] = async (request, signal, beforeSend) => {
    const { model, referenceImage } = request;
    const entry = models.get(model);
    if (entry === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `${model} is not a known model`);
    await breakers.check(model);
    try {
      const image = referenceImage === undefined ? undefined : await dataUrlOf(referenceImage);
      const input = modelInput(entry, request, image);
      await servers.checkSchema(model, signal);
      await servers.refuseUnready(model, signal);
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
        () => way.start(request, input, limit),
        SpanKind.CLIENT,
      );
    } catch (error) {
      await breakers.record(model, breakerEventOf(error instanceof ClipmeshError ? error.code : undefined));
      throw error;
    }
  };

  return {
    name: NAME,
    guarantee: COG_GUARANTEE,
    // A model may move to another server.
    cacheOrigin: NAME,
    submit,
    get: way.get,
    find: way.find,
    wait: createWaiter({
      get: way.get,
      breakers,
      pollIntervalMs: options.pollIntervalMs,
      pollLogIntervalMs: options.pollLogIntervalMs,
      nudge: way.nudge,
    }),
    cancel: way.cancel,
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
