import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { currentTraceparent, type createLogger } from '@clipmesh/tracing';
import { type Response } from 'express';
import { problemOf } from './problem.js';

/** Writes every error as `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Pick<ReturnType<typeof createLogger>, 'error'>) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const problem = problemOf(error);
    if (problem.status >= 500) this.logger.error({ err: error, code: problem.code }, 'request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const traceId = currentTraceparent()?.split('-')[1];
    for (const name of ['Content-Length', 'ETag', 'Cache-Control', 'Accept-Ranges']) response.removeHeader(name);
    response
      .status(problem.status)
      .set(problem.headers)
      .type('application/problem+json')
      .end(JSON.stringify({ ...problem.toProblem(), ...(traceId === undefined ? {} : { traceId }) }));
  }
}
