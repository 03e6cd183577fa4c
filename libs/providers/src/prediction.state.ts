import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { type FaultKind, FAULTS } from './fault.kinds.js';
import { type PredictionState } from './ports.js';
import { videoUrlOf } from './output.forms.js';
import { faultOf, textsSent } from './prediction.fault.js';

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
    ...(data.status === 'failed' ? { fault: faultOf(data.error ?? undefined, textsSent(data.input)) } : {}),
    ...(data.created_at ? { createdAt: data.created_at } : {}),
    ...(data.started_at ? { startedAt: data.started_at } : {}),
    ...(data.completed_at ? { completedAt: data.completed_at } : {}),
    ...(seconds === undefined || seconds === null ? {} : { billedSeconds: seconds }),
  };
}

export function isFinal({ status }: PredictionState): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'canceled';
}

/** The error of a prediction that ended badly; undefined while it runs and when it succeeded. */
export function outcomeOf(state: PredictionState): ClipmeshError | undefined {
  const detail = state.error ?? 'no reason given';
  if (state.status === 'canceled') return new ClipmeshError('CANCELED', `prediction ${state.id} was canceled`);
  if (state.status !== 'failed') return undefined;
  const { code, retryable } = FAULTS[faultIn(state)];
  return new ClipmeshError(code, `prediction ${state.id}: ${detail}`, { retryable });
}

/** What the failure of a prediction means. */
function faultIn({ fault, error }: PredictionState): FaultKind {
  return fault ?? faultOf(error);
}

/** Whether a filter refused the prediction's input or output. */
export function isRefusal(state: PredictionState): boolean {
  return state.status === 'failed' && ['input-refused', 'output-refused'].includes(faultIn(state));
}

/** What the end of a prediction says about the health of its model: only a failure of the service counts against it. */
export function healthOf(state: PredictionState): 'success' | 'failure' | 'neutral' {
  if (state.status === 'succeeded') return 'success';
  return state.status === 'failed' ? FAULTS[faultIn(state)].health : 'neutral';
}
