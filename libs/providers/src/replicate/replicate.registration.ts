import { commonOptions, type Registration } from '../provider.registration.js';
import { isStandardSigned } from '../reports/standard.signature.js';
import { readReplicateSchemas } from './replicate.schemas.js';
import { createReplicateProvider, REPLICATE_GUARANTEE } from './replicate.provider.js';

export interface ReplicateSettings {
  readonly replicateApiToken: string | undefined;
  readonly replicateBaseUrl: string;
  readonly replicateCreateSlotMs: number;
  readonly replicateCreatesPerMinute: number;
  readonly replicateCallsPerMinute: number;
  readonly replicateInputKey: string;
  readonly publicUrl: string | undefined;
  readonly replicateWebhookSecret: string | undefined;
}

export const replicate: Registration<ReplicateSettings> = {
  guarantee: REPLICATE_GUARANTEE,
  why: 'Its list of predictions shows what was bought, back to the start of the purchase. A list is searched whole.',
  needs: 'REPLICATE_API_TOKEN, or REPLICATE_BASE_URL of the sandbox with any token',
  open: (settings, context) =>
    settings.replicateApiToken === undefined
      ? undefined
      : createReplicateProvider({
          ...commonOptions(settings, context),
          token: settings.replicateApiToken,
          baseUrl: settings.replicateBaseUrl,
          createSlotMs: settings.replicateCreateSlotMs,
          createsPerMinute: settings.replicateCreatesPerMinute,
          callsPerMinute: settings.replicateCallsPerMinute,
          cancelAfterMs: settings.videoGenerationTimeoutMs,
          inputKey: settings.replicateInputKey,
          ...(settings.publicUrl === undefined
            ? {}
            : { webhookBaseUrl: new URL('/v1/webhooks/replicate', settings.publicUrl).href }),
        }),
  reports: {
    address: 'shared',
    body: 'signed',
    idField: 'id',
    urlOf: ({ publicUrl }) => publicUrl,
    signatureOf: ({ replicateWebhookSecret: secret }) => ({
      signedWith: 'REPLICATE_WEBHOOK_SECRET',
      isSigned({ header, body }) {
        const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(header);
        return secret !== undefined && isStandardSigned({ id, timestamp, signature, body }, secret);
      },
    }),
  },
  schemasOf({ replicateApiToken: token, replicateBaseUrl: baseUrl, providerCallTimeoutMs: timeoutMs }, _entry, signal) {
    if (token === undefined) return { reason: 'Replicate shows its schemas only with REPLICATE_API_TOKEN' };
    return (target) => readReplicateSchemas(target, { baseUrl, token, timeoutMs }, signal);
  },
};
