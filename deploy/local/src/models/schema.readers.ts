import { type Config } from '@clipmesh/config';
import { type ModelEntry, readCogSchemas, readFalSchemas, readReplicateSchemas } from '@clipmesh/providers';
import { type SchemaReader } from './models.check.js';

type SchemaSettings = Pick<
  Config,
  'replicateApiToken' | 'replicateBaseUrl' | 'falSiteUrl' | 'cogEndpoints' | 'providerCallTimeoutMs'
>;

/** What reads the schemas of a model from its provider, as configured. */
export const schemaReaders =
  (config: SchemaSettings, stop: AbortSignal): SchemaReader =>
  (entry) =>
    readerOf(config, entry, stop);

function readerOf(
  {
    replicateApiToken: token,
    replicateBaseUrl,
    falSiteUrl,
    cogEndpoints,
    providerCallTimeoutMs: timeoutMs,
  }: SchemaSettings,
  { id, provider }: ModelEntry,
  stop: AbortSignal,
): ReturnType<SchemaReader> {
  switch (provider) {
    case 'replicate':
      if (token === undefined) return { reason: 'Replicate shows its schemas only with REPLICATE_API_TOKEN' };
      return (target) => readReplicateSchemas(target, { baseUrl: replicateBaseUrl, token, timeoutMs }, stop);
    case 'fal':
      return (target) => readFalSchemas(target, { baseUrl: falSiteUrl, timeoutMs }, stop);
    case 'cog': {
      const server = cogEndpoints.find(({ model }) => model === id);
      if (server === undefined) return { reason: 'COG_ENDPOINTS names no server of it' };
      return () => readCogSchemas({ baseUrl: server.url, timeoutMs }, stop);
    }
    default:
      return { reason: `the provider ${provider} publishes no schema that is known here` };
  }
}
