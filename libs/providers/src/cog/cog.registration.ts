import { type Registration } from '../provider.registration.js';
import { COG_GUARANTEE, createCogProvider } from './cog.provider.js';

export interface CogSettings {
  readonly cogEndpoints: readonly { readonly model: string; readonly url: string }[];
}

export const cog: Registration<CogSettings> = {
  guarantee: COG_GUARANTEE,
  needs: 'COG_ENDPOINTS=model=url',
  open(settings, context) {
    if (settings.cogEndpoints.length === 0) return undefined;
    for (const { model } of settings.cogEndpoints)
      if (context.models.get(model)?.provider !== 'cog')
        throw new Error(`COG_ENDPOINTS: ${model} has no entry with the provider cog; add one to MODELS_FILE`);
    return createCogProvider({
      endpoints: settings.cogEndpoints,
      models: context.models,
      pollIntervalMs: settings.pollIntervalMs,
      pollLogIntervalMs: settings.pollLogIntervalMs,
      callTimeoutMs: settings.providerCallTimeoutMs,
      runTimeoutMs: settings.videoGenerationTimeoutMs,
      downloadTimeoutMs: settings.downloadTimeoutMs,
      downloadIdleTimeoutMs: settings.downloadIdleTimeoutMs,
      readFile: context.readFile,
      breaker: { failures: settings.breakerFailures, openMs: settings.breakerOpenMs },
      shared: context.shared,
      log: context.log,
    });
  },
};
