import { type OutputForm } from '../control/answer.forms.js';
import { type ClipCharge } from '../control/invoice.store.js';
import { clipMicros, type ModelRecord } from '../models/model.record.js';
import { outputOf } from './output.forms.js';

export const PREDICTION_STATUSES = ['starting', 'processing', 'succeeded', 'failed', 'canceled', 'aborted'] as const;
export type PredictionStatus = (typeof PREDICTION_STATUSES)[number];

export interface Prediction {
  readonly id: string;
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
  readonly error: string | null;
  /** Default: `url`. */
  readonly outputForm?: OutputForm;
  /** The clip as a data URL, for the output form `data`. */
  readonly dataUrl?: string;
  /** The prediction ran and its output was refused. It costs the same as a success. */
  readonly outputRefused?: boolean;
}

export type PredictionEvent =
  | { type: 'start' }
  | { type: 'succeed' }
  | { type: 'cancel' }
  | { type: 'fail'; error: string; outputRefused?: boolean };

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
        error: event.error,
        ...(event.outputRefused === true ? { outputRefused: true } : {}),
      };
    case 'cancel':
      return { ...prediction, status: prediction.status === 'starting' ? 'aborted' : 'canceled', completedAt: atMs };
  }
}

type Chargeable = Pick<Prediction, 'status' | 'model' | 'input' | 'seconds' | 'outputRefused'>;

/**
 * The charge of a prediction. Succeeded and canceled ones, and failed ones whose output was refused, cost their full duration. All
 * others cost nothing.
 */
export function chargeMicros({ status, model, input, seconds, outputRefused }: Chargeable): number {
  return status === 'succeeded' || status === 'canceled' || outputRefused === true
    ? clipMicros(model, input, seconds)
    : 0;
}

/** The invoice line of a prediction. */
export const clipCharge = (prediction: Prediction): ClipCharge => ({
  id: prediction.id,
  model: prediction.model.id,
  key: prediction.key,
  status: prediction.status,
  createdAt: isoTime(prediction.createdAt),
  startedAt: isoTime(prediction.startedAt),
  completedAt: isoTime(prediction.completedAt),
  seconds: prediction.seconds,
  amountMicros: chargeMicros(prediction),
});

function isoTime(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** The prediction in the form of Replicate's API. `url`: base URL of this server. */
export function present(prediction: Prediction, url: string): Record<string, unknown> {
  const { id, status, startedAt, completedAt, seconds } = prediction;
  const self = `${url}/v1/predictions/${id}`;
  const predictTime = startedAt === null || completedAt === null ? undefined : (completedAt - startedAt) / 1000;
  return {
    id,
    model: prediction.model.id,
    version: prediction.version,
    input: prediction.input,
    status,
    created_at: isoTime(prediction.createdAt),
    started_at: isoTime(startedAt),
    completed_at: isoTime(completedAt),
    urls: { get: self, cancel: `${self}/cancel`, stream: `${self}/stream` },
    source: 'api',
    data_removed: false,
    logs: startedAt === null ? '' : `rendering ${seconds} s of video\n`,
    error: prediction.error,
    output:
      status === 'succeeded'
        ? outputOf(prediction.outputForm ?? 'url', `${url}/files/${id}.mp4`, prediction.dataUrl ?? '')
        : null,
    metrics: {
      ...(predictTime === undefined ? {} : { predict_time: predictTime }),
      ...(status === 'succeeded' || prediction.outputRefused === true
        ? { video_output_duration_seconds: seconds }
        : {}),
    },
    ...(prediction.webhook === undefined
      ? {}
      : { webhook: prediction.webhook, webhook_events_filter: prediction.webhookEvents }),
  };
}
