import { type FailureKind } from '../failures/failure.kinds.js';

interface Row {
  readonly kind: FailureKind;
  /** Where the type is documented or quoted. */
  readonly source: string;
}

const ERRORS = 'https://docs.fal.ai/errors';
const REQUESTS = 'https://fal.ai/docs/documentation/model-apis/request-errors.md';

const of = (kind: FailureKind, source = ERRORS): Row => ({ kind, source });

/** The types of fal's errors, from `detail[].type` and `error_type`. */
export const FAL_FAILURE_TYPES: Readonly<Record<string, Row>> = {
  content_policy_violation: of('input-refused'),
  // The model ran and gave nothing; the nearest to a refused output. Another seed may give a video.
  no_media_generated: of('output-refused'),
  image_too_small: of('bad-input'),
  image_too_large: of('bad-input'),
  image_load_error: of('bad-input'),
  file_too_large: of('bad-input'),
  face_detection_error: of('bad-input'),
  unsupported_image_format: of('bad-input'),
  unsupported_video_format: of('bad-input'),
  unsupported_audio_format: of('bad-input'),
  feature_not_supported: of('bad-input'),
  greater_than: of('bad-input'),
  greater_than_equal: of('bad-input'),
  less_than: of('bad-input'),
  less_than_equal: of('bad-input'),
  one_of: of('bad-input'),
  missing: of('bad-input'),
  sequence_too_short: of('bad-input'),
  sequence_too_long: of('bad-input'),
  // Of pydantic, which checks the input of fal's models.
  extra_forbidden: of('bad-input'),
  value_error: of('bad-input'),
  bad_request: of('bad-input', REQUESTS),
  file_download_error: of('file-unreachable'),
  generation_timeout: of('service'),
  downstream_service_error: of('service'),
  downstream_service_unavailable: of('service'),
  internal_server_error: of('service'),
  internal_error: of('service', REQUESTS),
  request_timeout: of('service', REQUESTS),
  startup_timeout: of('service', REQUESTS),
  runner_scheduling_failure: of('service', REQUESTS),
  runner_connection_timeout: of('service', REQUESTS),
  runner_disconnected: of('service', REQUESTS),
  runner_connection_refused: of('service', REQUESTS),
  runner_connection_error: of('service', REQUESTS),
  runner_incomplete_response: of('service', REQUESTS),
  runner_server_error: of('service', REQUESTS),
};
