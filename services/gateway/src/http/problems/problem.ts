import { ClipmeshError, cutText, type Failure } from '@clipmesh/contracts';
import { type FieldError, shorten } from './issue.text.js';
import { jsonErrorOf } from './json.error.js';
import { didYouMean } from './suggestion.js';

/** RFC 9457 problem details. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly [extension: string]: unknown;
}

interface ProblemOptions extends ErrorOptions {
  /** Additional members: `retryable, stage, scene, charged, errors`. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by domain code. The exception filter writes it as `application/problem+json`. */
export class ProblemError extends Error {
  readonly headers: Readonly<Record<string, string>>;
  private readonly extensions: Readonly<Record<string, unknown>>;
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProblemError';
    this.headers = options.headers ?? {};
    this.extensions = options.extensions ?? {};
  }

  toProblem(): Problem {
    return {
      type: 'about:blank',
      title: this.title,
      status: this.status,
      detail: this.message,
      code: this.code,
      ...this.extensions,
    };
  }
}

export const notFound = (id: string): ProblemError =>
  new ProblemError(
    404,
    'GENERATION_NOT_FOUND',
    'No such generation',
    `there is no generation ${cutText(id, 64)}; GET /v1/generations lists yours`,
  );

/** A 400 that names every invalid field, in `errors` and in `detail`. */
export const badFields = (errors: readonly FieldError[]): ProblemError =>
  new ProblemError(
    400,
    'INVALID_REQUEST',
    'The request is not valid',
    errors.map(({ field, message }) => `${field}: ${message}`).join('; '),
    { extensions: { errors } },
  );

/** A 400 for one field, parameter or header. */
export const badRequest = (field: string, message: string): ProblemError => badFields([{ field, message }]);

/** Throws a 400 that names the unknown query parameters, so that a misspelled one is not silently ignored. */
export function refuseUnknownParameters(query: object, known: readonly string[]): void {
  const unknown = Object.keys(query).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw badFields(
    unknown.slice(0, 20).map((name) => ({
      field: shorten(name),
      message: `unknown parameter; the parameters are ${known.join(', ')}${didYouMean(name, known)}`,
    })),
  );
}

/** When each resource of a generation becomes available. */
const AVAILABLE_WHEN = {
  plan: 'the planner has written it',
  video: 'the generation has succeeded',
  thumbnail: 'the generation has succeeded',
  captions: 'the generation has succeeded',
  'performance report': 'the generation has ended',
} as const;

/** A 409: `what` does not exist in this status. `failure` is the reason when the generation ended without it. */
export const notReady = (what: keyof typeof AVAILABLE_WHEN, status: string, failure?: Failure): ProblemError => {
  const why = failure === undefined ? '' : `: ${failure.message}`;
  const verb = what === 'captions' ? 'are' : 'is';
  const extensions =
    failure === undefined
      ? { retryable: status !== 'canceled' }
      : {
          stage: failure.stage,
          ...(failure.scene === undefined ? {} : { scene: failure.scene }),
          retryable: failure.retryable,
          charged: failure.charged,
        };
  return new ProblemError(
    409,
    'NOT_READY',
    `The ${what} ${verb} not available`,
    `the generation is ${status}${why}; the ${what} ${verb} available once ${AVAILABLE_WHEN[what]}`,
    { extensions },
  );
};

/** A 503: a dependency does not answer. The client can retry the request. */
export const unavailable = (code: string, detail: string, cause?: unknown): ProblemError =>
  new ProblemError(503, code, 'A dependency is unavailable', detail, {
    cause,
    extensions: { retryable: true },
    headers: { 'Retry-After': '2' },
  });

const BY_STATUS: Readonly<Record<number, readonly [code: string, title: string, detail?: string]>> = {
  404: ['NOT_FOUND', 'No such path', 'this path does not exist; the API is under /v1, its documentation at /docs'],
  413: [
    'BODY_TOO_LARGE',
    'The body is too large',
    'the body exceeds the limit (REQUEST_BODY_LIMIT_MB; 1 MB for provider reports)',
  ],
  415: [
    'UNSUPPORTED_MEDIA_TYPE',
    'The content type is not supported',
    'send the body as JSON in UTF-8, plain or with Content-Encoding gzip, deflate or br',
  ],
};

/** Errors of the NATS client when the broker does not answer. */
const BROKER_ERRORS = new Set([
  'TimeoutError',
  'NoRespondersError',
  'RequestError',
  'ConnectionError',
  'ClosedConnectionError',
  'DrainingConnectionError',
]);

/** Converts any error to a problem. An unexpected error reveals no internals. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof ClipmeshError && error.code === 'STORE_UNAVAILABLE')
    return unavailable('STORE_UNAVAILABLE', 'the store does not answer; retry the request', error);
  if (error instanceof ClipmeshError && error.code === 'ARTIFACT_MISSING')
    return new ProblemError(404, 'ARTIFACT_MISSING', 'The file is gone', 'the file is no longer kept', {
      cause: error,
      extensions: { retryable: false },
    });
  if (error instanceof Error && BROKER_ERRORS.has(error.name))
    return unavailable('BROKER_UNAVAILABLE', 'the broker does not answer; retry the request', error);
  const status = statusOf(error);
  if (status === 400) return brokenBody(error);
  if (status !== undefined && status >= 400 && status < 500) {
    const [code, title, detail] = BY_STATUS[status] ?? ['INVALID_REQUEST', 'The request is not valid'];
    const message = error instanceof Error ? error.message : 'the request is not valid';
    return new ProblemError(status, code, title, detail ?? message);
  }
  return new ProblemError(
    500,
    'INTERNAL',
    'Internal error',
    'an unexpected error; find it in the log by the trace id',
    { cause: error, extensions: { retryable: true } },
  );
}

/** The problem for a body that the parser could not read. */
function brokenBody(error: unknown): ProblemError {
  const { type, body } = error as { readonly type?: unknown; readonly body?: unknown };
  const broken = type === 'entity.parse.failed' && typeof body === 'string' ? jsonErrorOf(body) : undefined;
  if (broken !== undefined)
    return badRequest('body', `not JSON: line ${broken.line}, column ${broken.column}: ${broken.message}`);
  return badRequest('body', 'could not be read completely; send the request again');
}

/** The HTTP status of an error of the framework or the body parser. */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('getStatus' in error && typeof error.getStatus === 'function') {
    const status: unknown = (error.getStatus as () => unknown).call(error);
    return typeof status === 'number' ? status : undefined;
  }
  return 'status' in error && typeof error.status === 'number' ? error.status : undefined;
}
