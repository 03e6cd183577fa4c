import { type InputError } from '../models/input.check.js';
import { firstFrameOf, unitsOf } from '../models/model.record.js';
import { outputOf } from '../predictions/output.forms.js';
import { type PredictionFailure } from '../predictions/prediction.failure.js';
import { chargeMicros, isFinal, type Prediction } from '../predictions/prediction.lifecycle.js';

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The application of an endpoint: its first two segments. The URLs of a request have no more. */
export const appOf = (endpoint: string): string => endpoint.split('/').slice(0, 2).join('/');

/** The URLs of a request. `url`: base URL of this server's fal surface. */
export function urlsOf({ id, model }: Prediction, url: string): Record<string, string> {
  const self = `${url}/${appOf(model.id)}/requests/${id}`;
  return { request_id: id, response_url: self, status_url: `${self}/status`, cancel_url: `${self}/cancel` };
}

/** The answer to a status call. `ahead`: how many requests wait before it. fal has no status for a failure. */
export function statusOf(prediction: Prediction, { url, ahead }: { url: string; ahead: number }): Answer {
  const { status, startedAt, completedAt, seconds } = prediction;
  const urls = urlsOf(prediction, url);
  if (status === 'starting')
    return { status: 202, headers: {}, body: { status: 'IN_QUEUE', ...urls, queue_position: ahead } };
  const log = { message: `rendering ${seconds} s of video`, level: 'INFO', source: 'USER' };
  const logs = startedAt === null ? null : [{ ...log, timestamp: new Date(startedAt).toISOString() }];
  if (!isFinal(status)) return { status: 202, headers: {}, body: { status: 'IN_PROGRESS', ...urls, logs } };
  const failed = errorOf(prediction);
  const ranMs = startedAt === null || completedAt === null ? undefined : completedAt - startedAt;
  return {
    status: 200,
    headers: {},
    body: {
      status: 'COMPLETED',
      ...urls,
      logs,
      metrics: ranMs === undefined ? {} : { inference_time: ranMs / 1000 },
      ...(failed === undefined ? {} : { error: `Invalid status code: ${failed.status}`, error_type: failed.type }),
    },
  };
}

/** The answer to a result call: the output, or the error of the run. `filesUrl`: URL of the folder of the clips. */
export function resultOf(prediction: Prediction, filesUrl: string): Answer {
  const { id, model, input, seconds, status } = prediction;
  const headers = { 'x-fal-request-id': id };
  if (!isFinal(status)) return { status: 400, headers, body: { detail: 'Request is still in progress' } };
  const units: Record<string, string> =
    chargeMicros(prediction) === 0 ? {} : { 'x-fal-billable-units': String(unitsOf(model, input, seconds)) };
  const failed = errorOf(prediction);
  if (failed === undefined)
    return { status: 200, headers: { ...headers, ...units }, body: outputBody(prediction, filesUrl) };
  return {
    status: failed.status,
    headers: {
      ...headers,
      ...units,
      'x-fal-error-type': failed.type,
      'x-fal-retryable': String(failed.status >= 500),
    },
    body: failed.body,
  };
}

/** The output of a succeeded request. */
function outputBody({ id, outputForm = 'nested', dataUrl = '' }: Prediction, filesUrl: string): unknown {
  const url = `${filesUrl}/${id}.mp4`;
  if (outputForm !== 'nested') return outputOf(outputForm, url, dataUrl);
  return { video: { url, content_type: 'video/mp4', file_name: `${id}.mp4`, file_size: null } };
}

interface FalError {
  readonly status: number;
  readonly type: string;
  readonly body: object;
}

const modelError = (type: string, loc: readonly string[], msg: string, more: object = {}): object => ({
  loc: ['body', ...loc],
  msg,
  type,
  url: `https://docs.fal.ai/errors#${type}`,
  ...more,
});

const single = (status: number, type: string, loc: readonly string[], msg: string): FalError => ({
  status,
  type,
  body: { detail: [modelError(type, loc, msg)] },
});

/** The words of pydantic for a broken keyword of JSON schema. */
function inputError({ path, keyword, message, allowed, missing }: InputError): object {
  if (keyword === 'required') return modelError('missing', [missing ?? ''], 'Field required');
  if (allowed !== undefined)
    return modelError('one_of', path, `Input should be ${allowed.join(' or ')}`, { ctx: { expected: allowed } });
  return modelError('value_error', path, message);
}

/** The error of a request that ended without an output. */
function errorOf({ status, failure, model }: Prediction): FalError | undefined {
  if (status === 'canceled' || status === 'aborted')
    return {
      status: 499,
      type: 'client_cancelled',
      body: { detail: 'Request was cancelled', error_type: 'client_cancelled' },
    };
  return failure === null ? undefined : errorOfFailure(failure, firstFrameOf(model) ?? 'image_url');
}

function errorOfFailure(failure: PredictionFailure, imageField: string): FalError {
  switch (failure.kind) {
    case 'bad-input': {
      const detail = failure.errors.map(inputError);
      return { status: 422, type: 'validation_error', body: { detail } };
    }
    case 'unknown-field':
      return single(422, 'extra_forbidden', [failure.field], 'Extra inputs are not permitted');
    case 'input-refused':
      return single(
        422,
        'content_policy_violation',
        ['prompt'],
        'The content could not be processed because it contained material flagged by a content checker.',
      );
    case 'output-refused':
      return single(422, 'no_media_generated', [], 'No media was generated by the model.');
    case 'service':
      return single(500, 'internal_server_error', [], 'Internal server error');
    case 'image':
      return single(422, 'image_load_error', [imageField], failure.problem);
    case 'other':
      return { status: 422, type: 'other', body: { detail: failure.text } };
  }
}
