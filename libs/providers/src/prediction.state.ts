import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { type ClipRequest } from './clip.request.js';
import { type PredictionState } from './ports.js';
import { isInputOf } from './models.js';
import { videoUrlOf } from './output.forms.js';

const time = z.string().nullish();
export const wirePredictionSchema = z.object({
  id: z.string().min(1),
  // `aborted`: ended before it started.
  status: z.enum(['starting', 'processing', 'succeeded', 'failed', 'canceled', 'aborted']),
  model: z.string().nullish(),
  input: z.record(z.string(), z.unknown()).nullish(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
  webhook: z.string().nullish(),
  created_at: time,
  started_at: time,
  completed_at: time,
  metrics: z.looseObject({ video_output_duration_seconds: z.number().nonnegative().nullish() }).nullish(),
});
export type WirePrediction = z.infer<typeof wirePredictionSchema>;

/** Replicate's prediction in our words. Throws `PROVIDER_BAD_ANSWER` when it is none. */
export function predictionOf(answer: unknown): PredictionState {
  const parsed = wirePredictionSchema.safeParse(answer);
  if (!parsed.success) {
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'replicate answered with something that is no prediction', {
      cause: parsed.error,
    });
  }
  const { data } = parsed;
  const outputUrl = videoUrlOf(data.output);
  const seconds = data.metrics?.video_output_duration_seconds;
  const error = typeof data.error === 'string' ? data.error : data.error ? JSON.stringify(data.error) : undefined;
  return {
    id: data.id,
    ...(data.model ? { model: data.model } : {}),
    status: data.status === 'aborted' ? 'canceled' : data.status,
    ...(outputUrl === undefined ? {} : { outputUrl }),
    ...(error === undefined ? {} : { error }),
    ...(data.created_at ? { createdAt: data.created_at } : {}),
    ...(data.started_at ? { startedAt: data.started_at } : {}),
    ...(data.completed_at ? { completedAt: data.completed_at } : {}),
    ...(seconds === undefined || seconds === null ? {} : { billedSeconds: seconds }),
  };
}

export function isFinal({ status }: PredictionState): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'canceled';
}

const REFUSAL = /\bE005\b|flagged|sensitive|safety|content policy|moderat|nsfw|prohibited/i;

/** The error of a prediction that ended badly; undefined while it runs and when it succeeded. */
export function outcomeOf(state: PredictionState): ClipmeshError | undefined {
  const detail = state.error ?? 'no reason given';
  if (state.status === 'canceled') return new ClipmeshError('CANCELED', `prediction ${state.id} was canceled`);
  if (state.status !== 'failed') return undefined;
  return new ClipmeshError(
    REFUSAL.test(detail) ? 'PREDICTION_REFUSED' : 'PREDICTION_FAILED',
    `prediction ${state.id}: ${detail}`,
  );
}

function keyOf(webhook: string | null | undefined): string | undefined {
  if (!webhook || !URL.canParse(webhook)) return undefined;
  return new URL(webhook).searchParams.get('key') ?? undefined;
}

/** The input field that carries the attempt key unless the configuration names another. */
export const DEFAULT_INPUT_KEY = 'clipmesh_key';

/** The attempt keys that a listed prediction carries. */
export function keysOf(listed: WirePrediction, inputKey = DEFAULT_INPUT_KEY): string[] {
  const carried = [keyOf(listed.webhook), listed.input?.[inputKey], listed.input?.[DEFAULT_INPUT_KEY]];
  return carried.filter((key): key is string => typeof key === 'string' && key !== '');
}

/** Whether a listed prediction is the one of this attempt: by the keys it carries, or without any by model and the whole input. */
export function isOfAttempt(
  listed: WirePrediction,
  attemptKey: string,
  request?: ClipRequest,
  inputKey = DEFAULT_INPUT_KEY,
): boolean {
  const keys = keysOf(listed, inputKey);
  if (keys.length > 0) return keys.every((key) => key === attemptKey);
  if (request === undefined || listed.model !== request.model) return false;
  return isInputOf(listed.input ?? {}, request);
}
