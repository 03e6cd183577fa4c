import { z } from 'zod';
import { type ModelSchemas } from '../models/model.drift.js';
import { openapiDocument, readSchemas, type SchemaSource } from '../models/model.schema.js';

const modelAnswer = z.object({ latest_version: z.object({ openapi_schema: openapiDocument }) });
const versionAnswer = z.object({ openapi_schema: openapiDocument });

/**
 * Reads the schemas that Replicate, or a service with the same API, publishes for a model: `owner/name`, or
 * `owner/name:version` for one version. Throws `ClipmeshError`.
 */
export async function readReplicateSchemas(
  target: string,
  { token, ...source }: SchemaSource & { readonly token: string },
  signal: AbortSignal,
): Promise<ModelSchemas> {
  const [name = '', version] = target.split(':');
  const path = `models/${name}${version === undefined ? '' : `/versions/${version}`}`;
  const options = { signal, headers: { authorization: `Bearer ${token}` } };
  const { openapi_schema } =
    version === undefined
      ? (await readSchemas(source, path, modelAnswer, options)).latest_version
      : await readSchemas(source, path, versionAnswer, options);
  return openapi_schema.components.schemas;
}
