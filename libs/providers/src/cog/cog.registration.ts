import { ClipmeshError, messageOf } from '@clipmesh/contracts';
import { commonOptions, type ProviderContext, type Registration, type ReportReader } from '../provider.registration.js';
import { reportAddress, reportNudgeId } from '../reports/report.address.js';
import { readCogSchemas } from './cog.schemas.js';
import { COG_GUARANTEE, createCogProvider } from './cog.provider.js';
import { type CogReports } from './cog.reported.js';

export interface CogSettings {
  readonly cogEndpoints: readonly { readonly model: string; readonly url: string }[];
  readonly cogWebhookUrl: string | undefined;
  readonly cogReportTimeoutMs: number;
  readonly cogReportMaxMb: number;
  readonly providerWebhookSecret: string | undefined;
}

/** The report of a purchase; undefined: none, or its file was removed. */
async function readReport(reader: ReportReader, purchaseKey: string): Promise<unknown> {
  const name = await reader.find('cog', purchaseKey);
  if (name === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(await reader.read(name)).toString('utf8')) as unknown;
  } catch (cause) {
    if (cause instanceof ClipmeshError && cause.code === 'ARTIFACT_MISSING') return undefined;
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', `the report of a Cog server is not JSON: ${messageOf(cause)}`);
  }
}

/** Undefined: calls are held. Throws an error that names the missing setting. */
function reportsOf(settings: CogSettings, { reports, nudge }: ProviderContext): CogReports | undefined {
  const { cogWebhookUrl: base, providerWebhookSecret: secret, cogReportTimeoutMs: timeoutMs } = settings;
  if (base === undefined) return undefined;
  if (secret === undefined)
    throw new Error('COG_WEBHOOK_URL is set, but not PROVIDER_WEBHOOK_SECRET: set both or neither');
  return {
    addressOf: (key) => reportAddress(base, secret, { provider: 'cog', key }),
    read: (key) => readReport(reports, key),
    nudge: (key, onNudge) => nudge(reportNudgeId(key), onNudge),
    timeoutMs,
  };
}

export const cog: Registration<CogSettings> = {
  guarantee: COG_GUARANTEE,
  why: 'A server remembers no prediction that has ended. Its report, with `COG_WEBHOOK_URL`, finds it, but may be lost.',
  needs: 'COG_ENDPOINTS=model=url',
  open(settings, context) {
    if (settings.cogEndpoints.length === 0) return undefined;
    for (const { model } of settings.cogEndpoints)
      if (context.models.get(model)?.provider !== 'cog')
        throw new Error(`COG_ENDPOINTS: ${model} has no entry with the provider cog; add one to MODELS_FILE`);
    const reports = reportsOf(settings, context);
    return createCogProvider({
      ...commonOptions(settings, context),
      endpoints: settings.cogEndpoints,
      runTimeoutMs: settings.videoGenerationTimeoutMs,
      ...(reports === undefined ? {} : { reports }),
    });
  },
  // The servers do not sign them, and each has the clip in base64.
  reports: {
    address: 'purchase',
    body: 'stored',
    limitVariable: 'COG_REPORT_MAX_MB',
    maxBytesOf: ({ cogReportMaxMb }) => cogReportMaxMb * 1024 * 1024,
    urlOf: ({ cogWebhookUrl }) => cogWebhookUrl,
    secretOf: ({ cogWebhookUrl, providerWebhookSecret }) =>
      cogWebhookUrl === undefined ? undefined : providerWebhookSecret,
  },
  schemasOf({ cogEndpoints, providerCallTimeoutMs: timeoutMs }, { id }, signal) {
    const server = cogEndpoints.find(({ model }) => model === id);
    if (server === undefined) return { reason: 'COG_ENDPOINTS names no server of it' };
    return () => readCogSchemas({ baseUrl: server.url, timeoutMs }, signal);
  },
};
