import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, NotFoundException } from '@nestjs/common';
import { currentTraceparent, spanContextOf } from '@clipmesh/tracing';
import { type Request, type Response } from 'express';
import { type Logger, LOGGER } from '../../runtime/runtime.tokens.js';
import { type ProblemError, problemOf } from './problem.js';
import { methodNotAllowed, methodsAt, type Routes } from './route.methods.js';

/** Writes every error as `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Pick<Logger, 'error'>) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const problem = wrongMethod(error, host.switchToHttp().getRequest<Request>()) ?? problemOf(error);
    if (problem.status >= 500) this.logger.error({ err: error, code: problem.code }, 'request failed');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const traceId = spanContextOf(currentTraceparent())?.traceId;
    for (const name of ['Content-Length', 'ETag', 'Cache-Control', 'Accept-Ranges']) response.removeHeader(name);
    response
      .status(problem.status)
      .set(problem.headers)
      .type('application/problem+json')
      .end(JSON.stringify({ ...problem.toProblem(), ...(traceId === undefined ? {} : { traceId }) }));
  }
}

/** The 405 for a path that accepts other methods. Nest throws the same error as for a path that does not exist. */
function wrongMethod(error: unknown, { app, method, path }: Request): ProblemError | undefined {
  if (!(error instanceof NotFoundException)) return undefined;
  const allowed = methodsAt(app.router as unknown as Routes, path);
  return allowed.length === 0 ? undefined : methodNotAllowed(method, allowed);
}
