import { type ModelSchemas } from '../models/model.drift.js';
import { openapiDocument, readSchemas, type SchemaSource } from '../models/model.schema.js';

/** Reads the schemas of a Cog server. `baseUrl`: that of the server. Throws `ClipmeshError`. */
export async function readCogSchemas(source: SchemaSource, signal: AbortSignal): Promise<ModelSchemas> {
  return (await readSchemas(source, 'openapi.json', openapiDocument, { signal })).components.schemas;
}
