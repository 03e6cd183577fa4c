import { commonOptions, type Registration, type ReportReader } from '../provider.registration.js';
import { type ProviderLog } from '../provider.events.js';
import { reportAddress } from '../reports/report.address.js';
import { type FalReports } from './fal.find.js';
import { createFalSignature } from './fal.signature.js';
import { readFalSchemas } from './fal.schemas.js';
import { createFalProvider, FAL_GUARANTEE } from './fal.provider.js';

export interface FalSettings {
  readonly falKey: string | undefined;
  readonly falBaseUrl: string;
  readonly falSiteUrl: string;
  readonly falCreateSlotMs: number;
  readonly falCreatesPerMinute: number;
  readonly falCallsPerMinute: number;
  readonly falReportTimeoutMs: number;
  readonly falJwksUrl: string;
  readonly publicUrl: string | undefined;
  readonly providerWebhookSecret: string | undefined;
}

/** Undefined: fal gets no webhook address. Logs when only the secret is missing. */
function reportsOf(settings: FalSettings, reader: ReportReader, log: ProviderLog): FalReports | undefined {
  const { publicUrl, providerWebhookSecret: secret, falReportTimeoutMs: timeoutMs } = settings;
  if (publicUrl === undefined) return undefined;
  if (secret === undefined) {
    const text =
      'PUBLIC_URL is set, but not PROVIDER_WEBHOOK_SECRET: fal reports nothing, and a lost answer stays unknown';
    log.warn({ event: 'provider.no_reports', provider: 'fal' }, text);
    return undefined;
  }
  return {
    addressOf: (key) => reportAddress(publicUrl, secret, { provider: 'fal', key }),
    requestOf: (key) => reader.find('fal', key),
    timeoutMs,
  };
}

export const fal: Registration<FalSettings> = {
  guarantee: FAL_GUARANTEE,
  why: 'It takes no key of the caller and lists no requests. Its report, with `PUBLIC_URL`, finds a purchase, but may be lost: see [fal](#reports).',
  needs: 'FAL_KEY, or FAL_BASE_URL of the sandbox with any key',
  open(settings, context) {
    if (settings.falKey === undefined) return undefined;
    const reports = reportsOf(settings, context.reports, context.log);
    return createFalProvider({
      ...commonOptions(settings, context),
      key: settings.falKey,
      baseUrl: settings.falBaseUrl,
      createSlotMs: settings.falCreateSlotMs,
      createsPerMinute: settings.falCreatesPerMinute,
      callsPerMinute: settings.falCallsPerMinute,
      startTimeoutMs: settings.videoGenerationTimeoutMs,
      ...(reports === undefined ? {} : { reports }),
    });
  },
  reports: {
    address: 'purchase',
    body: 'signed',
    idField: 'request_id',
    urlOf: ({ publicUrl }) => publicUrl,
    secretOf: ({ providerWebhookSecret }) => providerWebhookSecret,
    signatureOf: ({ falJwksUrl: jwksUrl, providerCallTimeoutMs: timeoutMs }) => ({
      signedWith: 'a key of FAL_JWKS_URL',
      isSigned: createFalSignature({ jwksUrl, timeoutMs }),
    }),
  },
  schemasOf:
    ({ falSiteUrl: baseUrl, providerCallTimeoutMs: timeoutMs }, _entry, signal) =>
    (target) =>
      readFalSchemas(target, { baseUrl, timeoutMs }, signal),
};
