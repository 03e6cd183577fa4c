import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { type ModelSchemas } from '../models/model.drift.js';
import { readSchemas, type SchemaSource } from '../models/model.schema.js';

const PATH = 'api/openapi/queue/openapi.json';
const REF = '#/components/schemas/';
const submitSchema = z.object({
  requestBody: z.object({
    content: z.object({ 'application/json': z.object({ schema: z.object({ $ref: z.string().startsWith(REF) }) }) }),
  }),
});
const documentSchema = z.object({
  paths: z.record(z.string(), z.looseObject({ post: submitSchema.optional() })),
  components: z.object({ schemas: z.record(z.string(), z.looseObject({})) }),
});

/** Reads the schemas that fal publishes for an endpoint, without a key. `baseUrl`: that of its site. Throws `ClipmeshError`. */
export async function readFalSchemas(
  endpoint: string,
  source: SchemaSource,
  signal: AbortSignal,
): Promise<ModelSchemas> {
  const path = `${PATH}?endpoint_id=${encodeURIComponent(endpoint)}`;
  // fal answers null for an endpoint that it does not have.
  const found = await readSchemas(source, path, documentSchema.nullable(), { signal });
  const submit = found?.paths[`/${endpoint}`]?.post;
  const input = submit?.requestBody.content['application/json'].schema.$ref.slice(REF.length);
  const schemas = { ...found?.components.schemas };
  const schema = input === undefined ? undefined : schemas[input];
  if (schema === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `fal publishes no schema of ${endpoint}`);
  return { ...schemas, Input: schema };
}
