import { ClipmeshError } from '@clipmesh/contracts';
import { type ModelEntry } from './models/model.entry.js';
import { type ReadSchemas } from './models/model.schema.js';
import { type ClipProvider, type ClipProviders, type Guarantee } from './ports.js';
import { type OpenProvider } from './prediction/clip.provider.js';
import { type CommonSettings, type ProviderContext, type Registration } from './provider.registration.js';
import { type ReportLane } from './reports/report.lane.js';
import * as PROVIDERS from './provider.table.js';

type Names = keyof typeof PROVIDERS;
type SettingsOf<Name extends Names> = (typeof PROVIDERS)[Name] extends Registration<infer Settings> ? Settings : never;
/** The intersection of a union: each member is an argument of the function, so one that accepts all of them is their intersection. */
type All<Union> = (Union extends unknown ? (one: Union) => void : never) extends (one: infer Both) => void
  ? Both
  : never;

/** The settings of every provider. Those of libs/config fit. */
export type ProviderSettings = CommonSettings & All<{ [Name in Names]: SettingsOf<Name> }[Names]>;

/** The provider of purchases from before purchases named theirs. */
const FIRST_PROVIDER = 'replicate';

/** Each registration takes its own part of the settings. */
const REGISTRATIONS = new Map<string, Registration<ProviderSettings>>(Object.entries(PROVIDERS));

/** How the gateway receives the reports of each provider that sends them. */
export const REPORT_LANES: ReadonlyMap<string, ReportLane<ProviderSettings>> = new Map(
  [...REGISTRATIONS].flatMap(([name, { reports }]) => (reports === undefined ? [] : [[name, reports] as const])),
);

/** What a provider guarantees for a purchase whose answer was lost. Undefined: no such provider. */
export const guaranteeOf = (provider: string): Guarantee | undefined => REGISTRATIONS.get(provider)?.guarantee;

const GUARANTEES: Readonly<Record<Guarantee, string>> = {
  never_twice: 'never twice',
  at_most_once_more: 'at most once more',
};

/** The table of guarantees in docs/providers.md. */
export const guaranteesTable = (): string =>
  [
    '| provider | guarantee | why |',
    '|---|---|---|',
    ...[...REGISTRATIONS].map(([name, { guarantee, why }]) => `| \`${name}\` | ${GUARANTEES[guarantee]} | ${why} |`),
    '',
  ].join('\n');

/** What reads the input schemas that the provider of a model publishes for it, or why nothing can. */
export function publishedSchemas(
  settings: ProviderSettings,
  entry: ModelEntry,
  signal: AbortSignal,
): ReadSchemas | { readonly reason: string } {
  const registration = REGISTRATIONS.get(entry.provider);
  return (
    registration?.schemasOf?.(settings, entry, signal) ?? {
      reason: `the provider ${entry.provider} publishes no schema that is known here`,
    }
  );
}

/** The providers that are configured. `close` closes all of them and never rejects. */
export interface OpenProviders extends ClipProviders {
  close(): Promise<void>;
}

/**
 * Opens every provider that the settings configure. Logs each other one that a model of `wanted` needs. Throws an error that names
 * the variables to set when no model of `wanted` has a configured provider.
 */
export function openProviders(
  settings: ProviderSettings,
  context: ProviderContext,
  wanted: readonly string[],
): OpenProviders {
  const opened = new Map<string, OpenProvider>();
  for (const [name, registration] of REGISTRATIONS) {
    const provider = registration.open(settings, context);
    if (provider !== undefined) opened.set(name, provider);
  }
  const missing = new Map<string, string[]>();
  for (const model of wanted) {
    const name = context.models.get(model)?.provider ?? 'unknown';
    if (!opened.has(name)) missing.set(name, [...(missing.get(name) ?? []), model]);
  }
  const texts = [...missing].map(([name, models]) => `${notConfigured(name)} It runs ${models.join(', ')}.`);
  const isUsable = wanted.some((model) => opened.has(context.models.get(model)?.provider ?? ''));
  if (!isUsable) throw new Error(`no model of VIDEO_MODELS has a configured provider. ${texts.join(' ')}`);
  for (const text of texts) context.log.warn({ event: 'provider.unconfigured' }, text);

  return {
    of(model, purchasedFrom): ClipProvider {
      const name = purchasedFrom ?? context.models.get(model)?.provider;
      if (name === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `${model} is not a known model`);
      const provider = opened.get(name);
      if (provider === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `${model}: ${notConfigured(name)}`);
      return provider;
    },
    async close() {
      await Promise.all([...opened.values()].map((provider) => provider.close()));
    },
  };
}

/** The provider that a purchase names. */
export const providerOf = (purchase: { readonly provider?: string | undefined }): string =>
  purchase.provider ?? FIRST_PROVIDER;

function notConfigured(name: string): string {
  const registration = REGISTRATIONS.get(name);
  return registration === undefined
    ? `The provider ${name} does not exist.`
    : `The provider ${name} is not configured: set ${registration.needs}.`;
}
