import { type OutputForm } from '../control/answer.forms.js';
import { type ClipCharge } from '../control/invoice.store.js';
import { clipMicros, isPerGpuSecond, type ModelRecord } from '../models/model.record.js';
import { type PredictionFailure } from './prediction.failure.js';

export const PREDICTION_STATUSES = ['starting', 'processing', 'succeeded', 'failed', 'canceled', 'aborted'] as const;
export type PredictionStatus = (typeof PREDICTION_STATUSES)[number];

export interface Prediction {
  readonly id: string;
  /** The provider by its name in the table of models. */
  readonly provider: string;
  readonly model: ModelRecord;
  readonly version: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Seconds of video that are rendered and billed. */
  readonly seconds: number;
  /** The caller's purchase key. */
  readonly key: string | null;
  readonly webhook?: string;
  readonly webhookEvents: readonly string[];
  readonly status: PredictionStatus;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  /** Null unless the status is `failed`. */
  readonly failure: PredictionFailure | null;
  /** Default: the usual one of the provider. */
  readonly outputForm?: OutputForm;
  /** The clip as a data URL, for the output form `data`. */
  readonly dataUrl?: string;
}

export type PredictionEvent =
  { type: 'start' } | { type: 'succeed' } | { type: 'cancel' } | { type: 'fail'; failure: PredictionFailure };

export function isFinal(status: PredictionStatus): boolean {
  return status !== 'starting' && status !== 'processing';
}

/** The next state; the given object itself when the event does not apply to the current status. */
export function advance(prediction: Prediction, event: PredictionEvent, atMs: number): Prediction {
  if (isFinal(prediction.status)) return prediction;
  switch (event.type) {
    case 'start':
      return prediction.status === 'starting' ? { ...prediction, status: 'processing', startedAt: atMs } : prediction;
    case 'succeed':
      return prediction.status === 'processing'
        ? { ...prediction, status: 'succeeded', completedAt: atMs }
        : prediction;
    case 'fail':
      return {
        ...prediction,
        status: 'failed',
        completedAt: atMs,
        failure: event.failure,
      };
    case 'cancel':
      return { ...prediction, status: prediction.status === 'starting' ? 'aborted' : 'canceled', completedAt: atMs };
  }
}

type Times = Pick<Prediction, 'startedAt' | 'completedAt'>;

/** Seconds from the start to the end of a prediction. 0 before its end, and when it never started. */
export const ranSecondsOf = ({ startedAt, completedAt }: Times): number =>
  startedAt === null || completedAt === null ? 0 : (completedAt - startedAt) / 1000;

type Chargeable = Pick<Prediction, 'status' | 'model' | 'input' | 'seconds' | 'failure'> & Times;

/**
 * The charge of a prediction. Succeeded and canceled ones, and failed ones whose output was refused, cost their full duration. All
 * others cost nothing. With a price by the second of computing, every one costs what it ran.
 */
export function chargeMicros(prediction: Chargeable): number {
  const { status, model, input, seconds, failure } = prediction;
  const isCharged = status === 'succeeded' || status === 'canceled' || failure?.kind === 'output-refused';
  const ranSeconds = ranSecondsOf(prediction);
  return isCharged || (isPerGpuSecond(model) && ranSeconds > 0) ? clipMicros(model, input, seconds, ranSeconds) : 0;
}

/** The invoice line of a prediction. */
export const clipCharge = (prediction: Prediction): ClipCharge => ({
  id: prediction.id,
  provider: prediction.provider,
  model: prediction.model.id,
  key: prediction.key,
  status: prediction.status,
  createdAt: isoTime(prediction.createdAt),
  startedAt: isoTime(prediction.startedAt),
  completedAt: isoTime(prediction.completedAt),
  seconds: prediction.seconds,
  amountMicros: chargeMicros(prediction),
});

/** ISO 8601; null for null. */
export function isoTime(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}
