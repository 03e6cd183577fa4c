import { type Registration, type ReportReader } from '../provider.registration.js';
import { type ProviderLog } from '../provider.events.js';
import { reportAddress } from '../reports/report.address.js';
import { type FalReports } from './fal.find.js';
import { createFalProvider, FAL_GUARANTEE } from './fal.provider.js';

export interface FalSettings {
  readonly falKey: string | undefined;
  readonly falBaseUrl: string;
  readonly falCreateSlotMs: number;
  readonly falCreatesPerMinute: number;
  readonly falCallsPerMinute: number;
  readonly falReportTimeoutMs: number;
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
  needs: 'FAL_KEY, or FAL_BASE_URL of the sandbox with any key',
  open(settings, { reports: reader, ...context }) {
    if (settings.falKey === undefined) return undefined;
    const reports = reportsOf(settings, reader, context.log);
    return createFalProvider({
      ...context,
      key: settings.falKey,
      baseUrl: settings.falBaseUrl,
      pollIntervalMs: settings.pollIntervalMs,
      pollLogIntervalMs: settings.pollLogIntervalMs,
      callTimeoutMs: settings.providerCallTimeoutMs,
      createSlotMs: settings.falCreateSlotMs,
      downloadTimeoutMs: settings.downloadTimeoutMs,
      downloadIdleTimeoutMs: settings.downloadIdleTimeoutMs,
      createsPerMinute: settings.falCreatesPerMinute,
      callsPerMinute: settings.falCallsPerMinute,
      startTimeoutMs: settings.videoGenerationTimeoutMs,
      breaker: { failures: settings.breakerFailures, openMs: settings.breakerOpenMs },
      ...(reports === undefined ? {} : { reports }),
    });
  },
};
