import { type FailureCode } from '@clipmesh/contracts';

/** What a provider means when it reports a failure. */
export const FAULT_KINDS = [
  /** The filter refused what was asked for: the prompt or the reference image. */
  'input-refused',
  /** The model ran to its end and the filter withheld what it made. */
  'output-refused',
  /** The service failed, and would have failed for any input. */
  'service',
  /** The provider could not read the reference image. */
  'file-unreachable',
  /** The model does not take this input. */
  'bad-input',
  'out-of-credit',
  /** The model failed on this input, or for a reason that is not known. */
  'model-failed',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultMeaning {
  readonly code: FailureCode;
  /** Whether the same model may be asked again with the same input. */
  readonly retryable: boolean;
  /** Whether it counts for the circuit breaker of the model: only a failure of the service does. */
  readonly health: 'failure' | 'neutral';
}

/** What follows from each kind. The director decides whether another seed or another model may help. */
export const FAULTS: Readonly<Record<FaultKind, FaultMeaning>> = {
  'input-refused': { code: 'PREDICTION_REFUSED', retryable: false, health: 'neutral' },
  'output-refused': { code: 'OUTPUT_REFUSED', retryable: false, health: 'neutral' },
  service: { code: 'PREDICTION_FAILED', retryable: true, health: 'failure' },
  // The next try uploads the image again.
  'file-unreachable': { code: 'PREDICTION_FAILED', retryable: true, health: 'neutral' },
  'bad-input': { code: 'PROVIDER_BAD_INPUT', retryable: false, health: 'neutral' },
  'out-of-credit': { code: 'PROVIDER_OUT_OF_CREDIT', retryable: false, health: 'neutral' },
  'model-failed': { code: 'MODEL_FAILED', retryable: false, health: 'neutral' },
};
