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
  /** Further members: `retryable, stage, scene, charged, errors`. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by domain code; the filter writes it as `application/problem+json`. */
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

/** A 400 that names every field that is wrong, in `errors` and in `detail`. */
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

/** Throws a 400 for every unknown parameter of the query: a misspelt one is never silently ignored. */
export function refuseUnknownParameters(query: object, known: readonly string[]): void {
  const unknown = Object.keys(query).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw badFields(
    unknown.slice(0, 20).map((name) => ({
      field: shorten(name),
      message: `there is no such parameter; there are ${known.join(', ')}${didYouMean(name, known)}`,
    })),
  );
}

/** When there is what a generation does not have from the start. */
const AVAILABLE_WHEN = {
  plan: 'the planner has written it',
  video: 'it has succeeded',
  thumbnail: 'it has succeeded',
  captions: 'it has succeeded',
  'performance report': 'it has ended',
} as const;

/** `what` does not exist in this status. With the failure of a generation that ended without it. */
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
    `The ${what} ${verb} not there`,
    `the generation is ${status}${why}; the ${what} ${verb} there once ${AVAILABLE_WHEN[what]}`,
    { extensions },
  );
};

/** A part of the system does not answer now; the same request may be sent again. */
export const unavailable = (code: string, detail: string, cause?: unknown): ProblemError =>
  new ProblemError(503, code, 'A part of the system does not answer', detail, {
    cause,
    extensions: { retryable: true },
    headers: { 'Retry-After': '2' },
  });

const BY_STATUS: Readonly<Record<number, readonly [code: string, title: string, detail?: string]>> = {
  404: ['NOT_FOUND', 'No such address', 'this address does not exist; the API is under /v1, its description at /docs'],
  413: [
    'BODY_TOO_LARGE',
    'The body is too large',
    'the body is over the limit (REQUEST_BODY_LIMIT_MB; 1 MB for what the provider reports)',
  ],
  415: [
    'UNSUPPORTED_MEDIA_TYPE',
    'The content type is not supported',
    'send the body as JSON in UTF-8, plain or with Content-Encoding gzip, deflate or br',
  ],
};

/** What the broker's client throws when the broker does not answer. */
const BROKER_ERRORS = new Set([
  'TimeoutError',
  'NoRespondersError',
  'RequestError',
  'ConnectionError',
  'ClosedConnectionError',
  'DrainingConnectionError',
]);

/** Every error as a problem. What is not ours tells nothing of the inside. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof ClipmeshError && error.code === 'STORE_UNAVAILABLE')
    return unavailable('STORE_UNAVAILABLE', 'the store does not answer; send the request again', error);
  if (error instanceof ClipmeshError && error.code === 'ARTIFACT_MISSING')
    return new ProblemError(404, 'ARTIFACT_MISSING', 'The file is gone', 'the file is no longer kept', {
      cause: error,
      extensions: { retryable: false },
    });
  if (error instanceof Error && BROKER_ERRORS.has(error.name))
    return unavailable('BROKER_UNAVAILABLE', 'the broker does not answer; send the request again', error);
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
    'Something went wrong here',
    'an unexpected error; the log has it under the trace id',
    { cause: error, extensions: { retryable: true } },
  );
}

/** What the body parser throws for a body that cannot be read. */
function brokenBody(error: unknown): ProblemError {
  const { type, body } = error as { readonly type?: unknown; readonly body?: unknown };
  const broken = type === 'entity.parse.failed' && typeof body === 'string' ? jsonErrorOf(body) : undefined;
  if (broken !== undefined)
    return badRequest('body', `not JSON: line ${broken.line}, column ${broken.column}: ${broken.message}`);
  return badRequest('body', 'it could not be read whole; send it again');
}

/** The HTTP status that the framework's and the body parser's errors carry. */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('getStatus' in error && typeof error.getStatus === 'function') {
    const status: unknown = (error.getStatus as () => unknown).call(error);
    return typeof status === 'number' ? status : undefined;
  }
  return 'status' in error && typeof error.status === 'number' ? error.status : undefined;
}
