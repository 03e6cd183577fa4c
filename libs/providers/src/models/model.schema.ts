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

/** An OpenAPI document, as far as the schemas need it. */
export const openapiDocument = z.object({ components: z.object({ schemas: modelSchemas }) });

/** Reads the schemas of a model by the provider's name for it. Throws `ClipmeshError`. */
export type ReadSchemas = (target: string) => Promise<ModelSchemas>;

/** One call to a provider's page of schemas. Throws `ClipmeshError` unless it succeeds with JSON of this form. */
export async function readSchemas<T>(
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
