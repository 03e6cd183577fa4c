import { type Config } from '@clipmesh/config';
import { type RawBodyRequest } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { type NextFunction, type Request, type Response } from 'express';
import {
  isProviderReport,
  PROVIDER_REPORT_LIMIT_BYTES,
  PROVIDER_REPORT_PATH,
  refuseForeignOrigin,
} from './auth/access.js';
import { Authentication } from './auth/authentication.js';
import { badRequest, problemOf } from './problems/problem.js';
import { hasBody, isJson, refuseBrokenText, refuseOtherBodies } from './request.body.js';

/** Throws a 400 for a path that the router cannot decode. */
export function refuseBrokenPath(path: string): void {
  try {
    decodeURIComponent(path);
  } catch {
    throw badRequest('path', 'contains a percent-encoding that is not UTF-8');
  }
}

/** Installs the checks that run before every route: the caller, then the body. */
export function checkRequests(app: NestExpressApplication, config: Config): void {
  const authentication = app.get(Authentication);
  app.use((request: Request, _response: Response, next: NextFunction) => {
    if (!isProviderReport(request, config.publicUrl)) refuseForeignOrigin(request.headers, config.apiKeys);
    refuseBrokenPath(request.path);
    refuseOtherBodies(request.method, request.headers);
    // Bodies may be large: authenticate before reading one. A provider report is authenticated by its signature instead.
    if (hasBody(request.headers) && request.path !== PROVIDER_REPORT_PATH) authentication.authenticate(request);
    next();
  });
  // A smaller limit: the sender of a report is not authenticated before its body is read.
  app.useBodyParser('json', {
    limit: PROVIDER_REPORT_LIMIT_BYTES,
    type: ({ url, headers }) => url?.split('?')[0] === PROVIDER_REPORT_PATH && isJson(headers['content-type']),
  });
  app.useBodyParser('json', {
    limit: `${config.requestBodyLimitMb}mb`,
    // The schemas reject JSON that is not an object, with better messages.
    strict: false,
    type: ({ headers }) => isJson(headers['content-type']),
  });
  app.use((request: RawBodyRequest<Request>, _response: Response, next: NextFunction) => {
    refuseBrokenText(request.rawBody);
    next();
  });
  // Must run before the framework's own error handling, which drops the position of a JSON error. Express recognizes an error
  // handler by its four parameters.
  app.use((error: unknown, _request: Request, _response: Response, next: NextFunction) => {
    next(problemOf(error));
  });
}
