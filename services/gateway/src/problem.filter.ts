import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { currentTraceparent, type createLogger } from '@clipmesh/tracing';
import { type Response } from 'express';
import { ProblemError } from './problem.js';

/** Writes every error as `application/problem+json`. What is not ours tells nothing of the inside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: ReturnType<typeof createLogger>) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const problem = this.problemOf(error).toProblem();
    if (problem.status >= 500) this.logger.error({ err: error }, 'request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const traceId = currentTraceparent()?.split('-')[1];
    response
      .status(problem.status)
      .type('application/problem+json')
      .send(JSON.stringify({ ...problem, ...(traceId === undefined ? {} : { traceId }) }));
  }

  private problemOf(error: unknown): ProblemError {
    if (error instanceof ProblemError) return error;
    const status = error instanceof HttpException ? error.getStatus() : (error as { status?: unknown } | null)?.status;
    if (status === 404)
      return new ProblemError(404, 'NOT_FOUND', 'No such address', 'this address does not exist; the API is under /v1');
    if (status === 413)
      return new ProblemError(
        413,
        'BODY_TOO_LARGE',
        'The body is too large',
        'the body is over the limit (REQUEST_BODY_LIMIT_MB)',
      );
    if (typeof status === 'number' && status >= 400 && status < 500) {
      return new ProblemError(
        status,
        'INVALID_REQUEST',
        'The request is not valid',
        error instanceof Error ? error.message : 'the request is not valid',
      );
    }
    return new ProblemError(
      500,
      'INTERNAL',
      'Something went wrong here',
      'an unexpected error; the log has it under the trace id',
    );
  }
}
