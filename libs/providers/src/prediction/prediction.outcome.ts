import { ClipmeshError } from '@clipmesh/contracts';
import { type FailureKind, FAILURE_MEANINGS } from '../failures/failure.kinds.js';
import { failureKindOf } from '../failures/prediction.failure.js';
import { type PredictionState } from '../ports.js';

export function isFinal({ status }: PredictionState): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'canceled';
}

/** The error of a failed or canceled prediction; undefined while it runs and when it succeeded. */
export function outcomeOf(state: PredictionState): ClipmeshError | undefined {
  const detail = state.error ?? 'no reason given';
  if (state.status === 'canceled') return new ClipmeshError('CANCELED', `prediction ${state.id} was canceled`);
  if (state.status !== 'failed') return undefined;
  const { code, retryable } = FAILURE_MEANINGS[kindOf(state)];
  return new ClipmeshError(code, `prediction ${state.id}: ${detail}`, { retryable });
}

/** The kind of a prediction's failure. */
function kindOf({ failureKind: fault, error }: PredictionState): FailureKind {
  return fault ?? failureKindOf(error);
}

/** Whether a content filter refused the prediction's input or output. */
export function isRefusal(state: PredictionState): boolean {
  return state.status === 'failed' && ['input-refused', 'output-refused'].includes(kindOf(state));
}

/** The breaker event for a prediction that ended. Only a failure of the service counts as `failure`. */
export function healthOf(state: PredictionState): 'success' | 'failure' | 'neutral' {
  if (state.status === 'succeeded') return 'success';
  return state.status === 'failed' ? FAILURE_MEANINGS[kindOf(state)].health : 'neutral';
}
