import { ClipmeshError } from '@clipmesh/contracts';
import { type ClipProvider, type ClipProviders, type Guarantee } from './ports.js';
import { type CommonSettings, type OpenProvider, type ProviderContext } from './provider.registration.js';
import { cog, type CogSettings } from './cog/cog.registration.js';
import { fal, type FalSettings } from './fal/fal.registration.js';
import { replicate, type ReplicateSettings } from './replicate/replicate.registration.js';

/** The settings of every provider. Those of libs/config fit. */
export type ProviderSettings = CommonSettings & ReplicateSettings & CogSettings & FalSettings;

/** Every provider of clips, by the name that entries of models use. */
const PROVIDERS = { replicate, cog, fal } as const;

/** The provider of purchases from before purchases named theirs. */
const FIRST_PROVIDER = 'replicate';

const registrationOf = (name: string): (typeof PROVIDERS)[keyof typeof PROVIDERS] | undefined =>
  Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name as keyof typeof PROVIDERS] : undefined;

/** What a provider guarantees for a purchase whose answer was lost. Undefined: no such provider. */
export const guaranteeOf = (provider: string): Guarantee | undefined => registrationOf(provider)?.guarantee;

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
  for (const [name, registration] of Object.entries(PROVIDERS)) {
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
  const registration = registrationOf(name);
  return registration === undefined
    ? `The provider ${name} does not exist.`
    : `The provider ${name} is not configured: set ${registration.needs}.`;
}
