import { type Config } from '@clipmesh/config';
import { type RawBodyRequest } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { type NextFunction, type Request, type Response } from 'express';
import { isProviderReport, purchaseOfReport, refuseForeignOrigin, reportSenderOf } from './auth/access.js';
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

/** Maximum size of a signed report. A prediction has a few kB, but its logs may be long. */
const REPORT_LIMIT_BYTES = 1024 * 1024;

/** Installs the checks that run before every route: the caller, then the body. */
export function checkRequests(app: NestExpressApplication, config: Config): void {
  const authentication = app.get(Authentication);
  app.use((request: Request, _response: Response, next: NextFunction) => {
    if (!isProviderReport(request, config)) refuseForeignOrigin(request.headers, config.apiKeys);
    refuseBrokenPath(request.path);
    refuseOtherBodies(request.method, request.headers);
    // Bodies may be large: authenticate before reading one. Reports of providers are authenticated by address and signature instead.
    purchaseOfReport(request.path, config);
    if (hasBody(request.headers) && reportSenderOf(request.path) === undefined) authentication.authenticate(request);
    next();
  });
  const reportOf = ({ url }: { readonly url?: string | undefined }): 'signed' | 'stored' | undefined =>
    reportSenderOf(url?.split('?')[0] ?? '')?.lane.body;
  // A smaller limit: the sender of a report is not authenticated before its body is read.
  app.useBodyParser('json', {
    limit: REPORT_LIMIT_BYTES,
    type: (request) => reportOf(request) === 'signed' && isJson(request.headers['content-type']),
  });
  app.useBodyParser('json', {
    limit: `${config.requestBodyLimitMb}mb`,
    // The schemas reject JSON that is not an object, with better messages.
    strict: false,
    // A stored report contains a clip: its route stores it without reading it whole.
    type: (request) => reportOf(request) !== 'stored' && isJson(request.headers['content-type']),
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
