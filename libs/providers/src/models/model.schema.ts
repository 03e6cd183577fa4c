import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { jsonOf } from '../failures/json.text.js';
import { errorOfStatus, errorOfThrown } from '../failures/provider.errors.js';
import { modelSchemas, type ModelSchemas } from './model.drift.js';

export interface SchemaSource {
  readonly baseUrl: string;
  /** Time limit of a call, ms. */
  readonly timeoutMs: number;
}

const document = z.object({ components: z.object({ schemas: modelSchemas }) });
const modelAnswer = z.object({ latest_version: z.object({ openapi_schema: document }) });
const versionAnswer = z.object({ openapi_schema: document });

/** One call. Throws `ClipmeshError` unless it succeeds with JSON of this form. */
async function read<T>(
  { baseUrl, timeoutMs }: SchemaSource,
  path: string,
  form: z.ZodType<T>,
  { signal, headers = {} }: { readonly signal: AbortSignal; readonly headers?: Readonly<Record<string, string>> },
): Promise<T> {
  const call = `GET ${path}`;
  const timeout = AbortSignal.timeout(timeoutMs);
  let body: string;
  try {
    const response = await fetch(`${baseUrl.replace(/\/+$/, '')}/${path}`, {
      headers,
      signal: AbortSignal.any([signal, timeout]),
    });
    body = await response.text();
    const { status } = response;
    if (!response.ok) throw errorOfStatus(call, { status, headers: response.headers, body }, Date.now(), []);
  } catch (cause) {
    if (cause instanceof ClipmeshError) throw cause;
    throw errorOfThrown(call, cause, { caller: signal.aborted, timeout: timeout.aborted });
  }
  const parsed = form.safeParse(/^\s*null\s*$/.test(body) ? null : jsonOf(body));
  if (!parsed.success) throw new ClipmeshError('PROVIDER_BAD_ANSWER', `${call}: the answer has no input schema`);
  return parsed.data;
}

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
      ? (await read(source, path, modelAnswer, options)).latest_version
      : await read(source, path, versionAnswer, options);
  return openapi_schema.components.schemas;
}

/** Reads the schemas of a Cog server. `baseUrl`: that of the server. Throws `ClipmeshError`. */
export async function readCogSchemas(source: SchemaSource, signal: AbortSignal): Promise<ModelSchemas> {
  return (await read(source, 'openapi.json', document, { signal })).components.schemas;
}

const FAL_PATH = 'api/openapi/queue/openapi.json';
const REF = '#/components/schemas/';
const falBody = z.object({
  requestBody: z.object({
    content: z.object({ 'application/json': z.object({ schema: z.object({ $ref: z.string().startsWith(REF) }) }) }),
  }),
});
const falDocument = z.object({
  paths: z.record(z.string(), z.looseObject({ post: falBody.optional() })),
  components: z.object({ schemas: z.record(z.string(), z.looseObject({})) }),
});

/** Reads the schemas that fal publishes for an endpoint, without a key. `baseUrl`: that of its site. Throws `ClipmeshError`. */
export async function readFalSchemas(
  endpoint: string,
  source: SchemaSource,
  signal: AbortSignal,
): Promise<ModelSchemas> {
  const path = `${FAL_PATH}?endpoint_id=${encodeURIComponent(endpoint)}`;
  // fal answers null for an endpoint that it does not have.
  const found = await read(source, path, falDocument.nullable(), { signal });
  const submit = found?.paths[`/${endpoint}`]?.post;
  const input = submit?.requestBody.content['application/json'].schema.$ref.slice(REF.length);
  const schemas = { ...found?.components.schemas };
  const schema = input === undefined ? undefined : schemas[input];
  if (schema === undefined) throw new ClipmeshError('PROVIDER_BAD_INPUT', `fal publishes no schema of ${endpoint}`);
  return { ...schemas, Input: schema };
}
