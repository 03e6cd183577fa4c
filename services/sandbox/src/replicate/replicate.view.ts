import { inputProblemText } from '../models/input.check.js';
import { type ModelRecord } from '../models/model.record.js';
import { outputOf } from '../predictions/output.forms.js';
import { type PredictionFailure, withFields } from '../predictions/prediction.failure.js';
import { isoTime, type Prediction } from '../predictions/prediction.lifecycle.js';

/** The error of a failed prediction, in the words of real models. */
function errorText(failure: PredictionFailure): string {
  switch (failure.kind) {
    case 'bad-input':
      return inputProblemText(failure.errors);
    // Cog accepts an unknown field, and fails when it calls `predict`.
    case 'unknown-field':
      return `Predictor.predict() got an unexpected keyword argument '${failure.field}'`;
    case 'input-refused':
      return 'flagged as sensitive (E005)';
    // The message of ByteDance's models.
    case 'output-refused':
      return 'The request failed because the output video may contain sensitive information.';
    case 'service':
      return 'Director: unexpected error handling prediction (E9243)';
    case 'image':
      return `Prediction failed: ${failure.problem}`;
    case 'other':
      return failure.text;
  }
}

/** The prediction in the form of Replicate's API. `url`: base URL of this server. `isExpired`: an hour has passed since its end. */
export function present(prediction: Prediction, url: string, isExpired = false): Record<string, unknown> {
  const { id, status, startedAt, completedAt, seconds, failure } = prediction;
  const self = `${url}/v1/predictions/${id}`;
  const predictTime = startedAt === null || completedAt === null ? undefined : (completedAt - startedAt) / 1000;
  const isRemoved = isExpired && completedAt !== null;
  return {
    id,
    model: prediction.model.id,
    version: prediction.version,
    input: isRemoved ? {} : prediction.input,
    status,
    created_at: isoTime(prediction.createdAt),
    started_at: isoTime(startedAt),
    completed_at: isoTime(completedAt),
    urls: { get: self, cancel: `${self}/cancel`, stream: `${self}/stream` },
    source: 'api',
    data_removed: isRemoved,
    logs: startedAt === null || isRemoved ? '' : `rendering ${seconds} s of video\n`,
    error: failure === null ? null : errorText(failure),
    output:
      status === 'succeeded' && !isRemoved
        ? outputOf(prediction.outputForm ?? 'url', `${url}/files/${id}.mp4`, prediction.dataUrl ?? '')
        : null,
    metrics: {
      ...(predictTime === undefined ? {} : { predict_time: predictTime }),
      ...(status === 'succeeded' || failure?.kind === 'output-refused'
        ? { video_output_duration_seconds: seconds }
        : {}),
    },
    ...(prediction.webhook === undefined
      ? {}
      : { webhook: prediction.webhook, webhook_events_filter: prediction.webhookEvents }),
  };
}

/** The part of a model's OpenAPI document that clients read: the input fields. */
export const openapiSchema = (model: ModelRecord, more: readonly string[] | undefined): object => ({
  components: { schemas: { Input: withFields(model, more).Input } },
});
