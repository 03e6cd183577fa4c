import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { failureKindOf, textsIn } from '../failures/prediction.failure.js';
import { type PredictionState } from '../ports.js';
import { videoUrlOf } from '../prediction/output.forms.js';

const time = z.string().nullish();
export const wirePredictionSchema = z.object({
  id: z.string().regex(/^[\w-]{1,100}$/),
  // `aborted`: ended before it started.
  status: z.enum(['starting', 'processing', 'succeeded', 'failed', 'canceled', 'aborted']),
  model: z.string().nullish(),
  input: z.record(z.string(), z.unknown()).nullish(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
  webhook: z.string().nullish(),
  // An hour after its end, the input, the output and the logs are gone.
  data_removed: z.boolean().nullish(),
  created_at: time,
  started_at: time,
  completed_at: time,
  metrics: z
    .looseObject({
      video_output_duration_seconds: z.number().nonnegative().nullish(),
      predict_time: z.number().nonnegative().nullish(),
    })
    .nullish(),
});
export type WirePrediction = z.infer<typeof wirePredictionSchema>;

/** Parses a Replicate prediction. Throws `PROVIDER_BAD_ANSWER` for anything else. */
export function predictionOf(answer: unknown): PredictionState {
  const parsed = wirePredictionSchema.safeParse(answer);
  if (!parsed.success) {
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'the response of replicate is not a prediction', {
      cause: parsed.error,
    });
  }
  const { data } = parsed;
  const outputUrl = videoUrlOf(data.output);
  const seconds = data.metrics?.video_output_duration_seconds;
  const gpuSeconds = data.metrics?.predict_time;
  const error = typeof data.error === 'string' ? data.error : data.error ? JSON.stringify(data.error) : undefined;
  return {
    id: data.id,
    ...(data.model ? { model: data.model } : {}),
    status: data.status === 'aborted' ? 'canceled' : data.status,
    ...(outputUrl === undefined ? {} : { outputUrl }),
    ...(error === undefined ? {} : { error }),
    ...(data.status === 'failed' ? { failureKind: failureKindOf(data.error ?? undefined, textsIn(data.input)) } : {}),
    ...(data.created_at ? { createdAt: data.created_at } : {}),
    ...(data.started_at ? { startedAt: data.started_at } : {}),
    ...(data.completed_at ? { completedAt: data.completed_at } : {}),
    ...(seconds === undefined || seconds === null ? {} : { billedSeconds: seconds }),
    ...(gpuSeconds === undefined || gpuSeconds === null ? {} : { gpuSeconds }),
  };
}
