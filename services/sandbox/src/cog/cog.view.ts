import { type InputError, inputProblemText } from '../models/input.check.js';
import { type ModelRecord } from '../models/model.record.js';
import { outputOf } from '../predictions/output.forms.js';
import { type PredictionFailure } from '../predictions/prediction.failure.js';
import { isFinal, type Prediction, ranSecondsOf } from '../predictions/prediction.lifecycle.js';

/** The Python exception that a model raised. Its texts are the model's own affair: these are words of real models. */
function exceptionOf(failure: PredictionFailure): string {
  switch (failure.kind) {
    case 'bad-input':
      return `ValueError: ${inputProblemText(failure.errors)}`;
    case 'unknown-field':
      return `TypeError: Runner.run() got an unexpected keyword argument '${failure.field}'`;
    case 'input-refused':
      return 'ValueError: The prompt was flagged by the safety checker.';
    // The message of cog-stable-diffusion.
    case 'output-refused':
      return 'ValueError: NSFW content detected. Try running it again, or try a different prompt.';
    case 'service':
      return 'RuntimeError: CUDA error: an illegal memory access was encountered';
    case 'image':
      return `ValueError: ${failure.problem}`;
    case 'other':
      return `Exception: ${failure.text}`;
  }
}

/** A prediction as a Cog server answers and reports it. `filesUrl`: URL of the folder of the clips. */
export function present(prediction: Prediction, filesUrl: string): Record<string, unknown> {
  const { id, key, status, seconds, failure, startedAt, outputForm = 'data', dataUrl = '' } = prediction;
  return {
    id: key,
    status: status === 'aborted' ? 'canceled' : status,
    logs: startedAt === null ? '' : `rendering ${seconds} s of video\n`,
    ...(status === 'succeeded' ? { output: outputOf(outputForm, `${filesUrl}/${id}.mp4`, dataUrl) } : {}),
    ...(failure === null ? {} : { error: `Prediction failed: Prediction failed: ${exceptionOf(failure)}` }),
    metrics: isFinal(status) ? { predict_time: ranSecondsOf(prediction) } : {},
  };
}

/** The answer of 422 to an input that the schema refuses. */
export function inputProblem(errors: readonly InputError[]): object {
  const detail = errors.map(({ path, keyword, message, missing }) =>
    keyword === 'required'
      ? { loc: ['body', 'input', missing ?? ''], msg: 'Field required', type: 'value_error.missing' }
      : { loc: ['body', 'input', path.join('/') || '__root__'], msg: message, type: 'value_error' },
  );
  return { detail };
}

/** The OpenAPI document of a model's server. */
export const openapiOf = ({ Input }: ModelRecord): object => ({
  openapi: '3.0.2',
  info: { title: 'Cog', version: '0.1.0' },
  paths: { '/predictions': { post: { responses: { 200: { description: 'ok' } } } } },
  components: { schemas: { Input, Output: { type: 'string', format: 'uri' } } },
});

const VERSION = { coglet: '0.23.1', cog: '0.23.1', python: '3.13.0' };

/** The answer to a health check of a server that has started. */
export const healthOf = (isFree: boolean): object => ({
  status: isFree ? 'READY' : 'BUSY',
  setup: {
    started_at: '2025-01-01T00:00:00.000000+00:00',
    completed_at: '2025-01-01T00:00:01.000000+00:00',
    status: 'succeeded',
    logs: '',
  },
  version: VERSION,
});

/** The answer at the root of a server. */
export const discoveryOf = (): object => ({
  cog_version: VERSION.cog,
  docs_url: '/docs',
  openapi_url: '/openapi.json',
  shutdown_url: '/shutdown',
  healthcheck_url: '/health-check',
  predictions_url: '/predictions',
  predictions_idempotent_url: '/predictions/{prediction_id}',
  predictions_cancel_url: '/predictions/{prediction_id}/cancel',
});
