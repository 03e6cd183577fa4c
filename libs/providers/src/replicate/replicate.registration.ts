import { type Registration } from '../provider.registration.js';
import { createReplicateProvider, REPLICATE_GUARANTEE } from './replicate.provider.js';

export interface ReplicateSettings {
  readonly replicateApiToken: string | undefined;
  readonly replicateBaseUrl: string;
  readonly replicateCreateSlotMs: number;
  readonly replicateCreatesPerMinute: number;
  readonly replicateCallsPerMinute: number;
  readonly replicateInputKey: string;
  readonly publicUrl: string | undefined;
}

export const replicate: Registration<ReplicateSettings> = {
  guarantee: REPLICATE_GUARANTEE,
  needs: 'REPLICATE_API_TOKEN, or REPLICATE_BASE_URL of the sandbox with any token',
  open: (settings, context) =>
    settings.replicateApiToken === undefined
      ? undefined
      : createReplicateProvider({
          ...context,
          token: settings.replicateApiToken,
          baseUrl: settings.replicateBaseUrl,
          pollIntervalMs: settings.pollIntervalMs,
          pollLogIntervalMs: settings.pollLogIntervalMs,
          callTimeoutMs: settings.providerCallTimeoutMs,
          createSlotMs: settings.replicateCreateSlotMs,
          downloadTimeoutMs: settings.downloadTimeoutMs,
          downloadIdleTimeoutMs: settings.downloadIdleTimeoutMs,
          createsPerMinute: settings.replicateCreatesPerMinute,
          callsPerMinute: settings.replicateCallsPerMinute,
          cancelAfterMs: settings.videoGenerationTimeoutMs,
          inputKey: settings.replicateInputKey,
          breaker: { failures: settings.breakerFailures, openMs: settings.breakerOpenMs },
          ...(settings.publicUrl === undefined
            ? {}
            : { webhookBaseUrl: new URL('/v1/webhooks/replicate', settings.publicUrl).href }),
        }),
};
