import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { jsonOf } from '../failures/json.text.js';
import { errorOfStatus, errorOfThrown } from '../failures/provider.errors.js';
import { modelSchemas, type ModelSchemas } from './model.drift.js';

export interface SchemaSource {
  readonly baseUrl: string;
  readonly token: string;
  /** Time limit of a call, ms. */
  readonly timeoutMs: number;
}

const document = z.object({ components: z.object({ schemas: modelSchemas }) });
const modelAnswer = z.object({ latest_version: z.object({ openapi_schema: document }) });
const versionAnswer = z.object({ openapi_schema: document });

/**
 * Reads the schemas that Replicate, or a service with the same API, publishes for a model: `owner/name`, or
 * `owner/name:version` for one version. Throws `ClipmeshError`.
 */
export async function readReplicateSchemas(
  target: string,
  { baseUrl, token, timeoutMs }: SchemaSource,
  signal: AbortSignal,
): Promise<ModelSchemas> {
  const [name = '', version] = target.split(':');
  const path = `models/${name}${version === undefined ? '' : `/versions/${version}`}`;
  const call = `GET ${path}`;
  const timeout = AbortSignal.timeout(timeoutMs);
  let status: number;
  let body: string;
  try {
    const response = await fetch(`${baseUrl.replace(/\/+$/, '')}/${path}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.any([signal, timeout]),
    });
    status = response.status;
    body = await response.text();
    if (!response.ok) throw errorOfStatus(call, { status, headers: response.headers, body }, Date.now(), []);
  } catch (cause) {
    if (cause instanceof ClipmeshError) throw cause;
    throw errorOfThrown(call, cause, { caller: signal.aborted, timeout: timeout.aborted });
  }
  const schema = version === undefined ? modelAnswer : versionAnswer;
  const parsed = schema.safeParse(jsonOf(body));
  if (!parsed.success) throw new ClipmeshError('PROVIDER_BAD_ANSWER', `${call}: the answer has no input schema`);
  const { data } = parsed;
  return ('latest_version' in data ? data.latest_version : data).openapi_schema.components.schemas;
}
