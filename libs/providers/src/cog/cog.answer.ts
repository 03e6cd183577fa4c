import { ClipmeshError, cutText } from '@clipmesh/contracts';
import { z } from 'zod';
import { failureKindOf, textsIn } from '../failures/prediction.failure.js';
import { errorOfStatus } from '../failures/provider.errors.js';
import { type PredictionState } from '../ports.js';
import { videoUrlOf } from '../prediction/output.forms.js';
import { type CogAnswer } from './cog.http.js';

/** Pause before the next try when a server takes no prediction, ms. */
export const BUSY_MS = 1000;

const endSchema = z.object({
  status: z.enum(['succeeded', 'failed', 'canceled']),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
  metrics: z.looseObject({ predict_time: z.number().nonnegative().nullish() }).nullish(),
});
const healthSchema = z.object({ status: z.string() });
const schemaOf = z.object({
  components: z.object({ schemas: z.object({ Input: z.object({ required: z.array(z.string()).min(1) }) }) }),
});

/** The final state in the answer to a held prediction; times are not part of it. Throws when the server refused the prediction. */
export function endOf(
  { id, model }: { readonly id: string; readonly model: string },
  { status, body }: CogAnswer,
  input: unknown,
): PredictionState {
  // 409: all slots are taken. 503: the model is not ready. Nothing was started.
  if (status === 409 || status === 503)
    throw new ClipmeshError('PROVIDER_RATE_LIMITED', `the Cog server of ${model} takes no prediction now (${status})`, {
      retryAfterMs: BUSY_MS,
    });
  if (status !== 200) {
    const text = cutText(JSON.stringify(body ?? null), 2000);
    throw errorOfStatus(`cog ${model}`, { status, body: text }, Date.now(), textsIn(input));
  }
  const parsed = endSchema.safeParse(body);
  if (!parsed.success)
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', `the answer of the Cog server of ${model} is not a prediction`, {
      cause: parsed.error,
    });
  const { data } = parsed;
  const outputUrl = videoUrlOf(data.output);
  const gpuSeconds = data.metrics?.predict_time ?? undefined;
  const error = typeof data.error === 'string' ? data.error : data.error ? JSON.stringify(data.error) : undefined;
  return {
    id,
    model,
    status: data.status,
    ...(outputUrl === undefined ? {} : { outputUrl }),
    ...(error === undefined ? {} : { error: cutText(error, 2000) }),
    ...(data.status === 'failed' ? { failureKind: failureKindOf(data.error ?? undefined, textsIn(input)) } : {}),
    ...(gpuSeconds === undefined ? {} : { gpuSeconds }),
  };
}

/** Throws unless the answer to a health check says that a prediction can start now. */
export function refuseUnready(model: string, { body }: CogAnswer): void {
  const { data } = healthSchema.safeParse(body);
  const status = cutText(data?.status ?? 'not a Cog server', 40);
  if (status === 'READY') return;
  const code = status === 'BUSY' ? 'PROVIDER_RATE_LIMITED' : 'PROVIDER_UNAVAILABLE';
  throw new ClipmeshError(code, `the Cog server of ${model} is ${status}`, { retryable: true, retryAfterMs: BUSY_MS });
}

/** Throws when a server has no schema with a required input: without it, a look at a prediction would start one. */
export function refuseSchemaless(model: string, { status, body }: CogAnswer): void {
  if (status === 200 && schemaOf.safeParse(body).success) return;
  throw new ClipmeshError(
    'PROVIDER_BAD_INPUT',
    `the Cog server of ${model} has no schema with a required input at /openapi.json; build its image with cog build`,
  );
}
