/** RFC 9457 problem details. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly [extension: string]: unknown;
}

/** Thrown by domain code; the filter writes it as `application/problem+json`. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    detail: string,
    readonly extensions: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.name = 'ProblemError';
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
    `there is no generation ${id}; GET /v1/generations lists yours`,
  );
export const badRequest = (detail: string, errors?: readonly unknown[]): ProblemError =>
  new ProblemError(400, 'INVALID_REQUEST', 'The request is not valid', detail, errors === undefined ? {} : { errors });
export const notReady = (what: string, status: string): ProblemError =>
  new ProblemError(
    409,
    'NOT_READY',
    `The ${what} is not there`,
    `the generation is ${status}; the ${what} exists once it has succeeded`,
  );
