import { modelInput } from '../models/model.input.js';
import {
  CALL_TIMEOUT_MS,
  type CommonOptions,
  createUnlimitedProvider,
  dataUrlOf,
  MAX_DOWNLOAD_BYTES,
  type OpenProvider,
} from '../prediction/clip.provider.js';
import { heldCalls } from './cog.held.js';
import { type CogReports, reportedRuns } from './cog.reported.js';
import { CogServers } from './cog.servers.js';

/** `callTimeoutMs` is the time limit of every call but a held prediction, and of the acceptance of a prediction. */
export interface CogOptions extends CommonOptions {
  /** The server of each model. */
  readonly endpoints: readonly { readonly model: string; readonly url: string }[];
  /** A prediction is canceled after this time, ms. */
  readonly runTimeoutMs: number;
  /** Default: the call of each prediction is held until its end. */
  readonly reports?: CogReports;
}

const NAME = 'cog';
/** A server remembers no prediction that has ended, and its report may be lost. */
export const COG_GUARANTEE = 'at_most_once_more';

/** A provider for models that run on Cog servers of the user. */
export function createCogProvider(options: CogOptions): OpenProvider {
  const { reports, runTimeoutMs, callTimeoutMs = CALL_TIMEOUT_MS, maxDownloadBytes = MAX_DOWNLOAD_BYTES } = options;
  const servers = new CogServers({ endpoints: options.endpoints, callTimeoutMs });
  const way =
    reports === undefined ? heldCalls(servers, { runTimeoutMs, maxDownloadBytes }) : reportedRuns(servers, reports);
  const { origins } = servers;

  return createUnlimitedProvider(NAME, options, {
    guarantee: COG_GUARANTEE,
    // A model may move to another server.
    cacheOrigin: NAME,
    ownOriginOf: (url) => origins.find((origin) => url.startsWith(`${origin}/`)) ?? '',
    async inputOf(entry, _target, request, signal) {
      const { model, referenceImage: image } = request;
      const input = modelInput(entry, request, image && (await dataUrlOf(image, options.readFile)));
      await servers.checkSchema(model, signal);
      await servers.refuseUnready(model, signal);
      return input;
    },
    create: (_target, request, input, limit) => way.start(request, input, limit),
    get: way.get,
    find: way.find,
    cancel: way.cancel,
    nudge: way.nudge,
  });
}
