import { type FailureCode } from '@clipmesh/contracts';

/** The kinds of failures that a provider reports. */
export const FAILURE_KINDS = [
  /** A content filter refused the prompt or the reference image. */
  'input-refused',
  /** The model ran, and a content filter refused its output. */
  'output-refused',
  /** The service failed, independent of the input. */
  'service',
  /** The provider could not read the reference image. */
  'file-unreachable',
  /** The model does not accept this input. */
  'bad-input',
  'out-of-credit',
  /** The model failed on this input, or for an unknown reason. */
  'model-failed',
] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

export interface FailureMeaning {
  readonly code: FailureCode;
  /** Whether a retry with the same model and input can succeed. */
  readonly retryable: boolean;
  /** Whether the circuit breaker of the model counts it. Only a failure of the service counts. */
  readonly health: 'failure' | 'neutral';
}

/** The consequences of each kind. The director decides whether to use another seed or another model. */
export const FAILURE_MEANINGS: Readonly<Record<FailureKind, FailureMeaning>> = {
  'input-refused': { code: 'PREDICTION_REFUSED', retryable: false, health: 'neutral' },
  'output-refused': { code: 'OUTPUT_REFUSED', retryable: false, health: 'neutral' },
  service: { code: 'PREDICTION_FAILED', retryable: true, health: 'failure' },
  // A retry uploads the image again.
  'file-unreachable': { code: 'PREDICTION_FAILED', retryable: true, health: 'neutral' },
  'bad-input': { code: 'PROVIDER_BAD_INPUT', retryable: false, health: 'neutral' },
  'out-of-credit': { code: 'PROVIDER_OUT_OF_CREDIT', retryable: false, health: 'neutral' },
  'model-failed': { code: 'MODEL_FAILED', retryable: false, health: 'neutral' },
};
