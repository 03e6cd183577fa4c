import { type Config } from '@clipmesh/config';
import { type RawBodyRequest } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { type NextFunction, type Request, type Response } from 'express';
import {
  createAccess,
  hasBody,
  isJson,
  isProviderReport,
  refuseBrokenText,
  refuseForeignOrigin,
  refuseOtherBodies,
  PROVIDER_REPORT_PATH,
} from './access.js';
import { requireOwner } from './gateway.parts.js';
import { badRequest, problemOf } from './problem.js';
import { PROVIDER_REPORT_LIMIT_BYTES } from './provider-reports.controller.js';

/** Throws a 400 for a path that the router could not decode. */
export function refuseBrokenPath(path: string): void {
  try {
    decodeURIComponent(path);
  } catch {
    throw badRequest('path', 'a percent-encoding in it is not UTF-8');
  }
}

/** What every request passes before its route: who may call at all, then its body. */
export function checkRequests(app: NestExpressApplication, config: Config): void {
  const ownerOf = createAccess(config.apiKeys);
  app.use((request: Request, _response: Response, next: NextFunction) => {
    if (!isProviderReport(request, config.publicUrl)) refuseForeignOrigin(request.headers, config.apiKeys);
    refuseBrokenPath(request.path);
    refuseOtherBodies(request.method, request.headers);
    // Bodies may be large: those of strangers are not read. A report is judged by its signature.
    if (hasBody(request.headers) && request.path !== PROVIDER_REPORT_PATH)
      requireOwner({ ownerOf }, request.headers.authorization);
    next();
  });
  // Whoever sends a report is not known before it is read.
  app.useBodyParser('json', {
    limit: PROVIDER_REPORT_LIMIT_BYTES,
    type: ({ url, headers }) => url?.split('?')[0] === PROVIDER_REPORT_PATH && isJson(headers['content-type']),
  });
  app.useBodyParser('json', {
    limit: `${config.requestBodyLimitMb}mb`,
    // What is JSON but no object is refused by the schemas, in their words.
    strict: false,
    type: ({ headers }) => isJson(headers['content-type']),
  });
  app.use((request: RawBodyRequest<Request>, _response: Response, next: NextFunction) => {
    refuseBrokenText(request.rawBody);
    next();
  });
  // Before the framework makes an error of its own of it, which does not say where the JSON is broken. Express takes a
  // handler of errors by its four parameters.
  app.use((error: unknown, _request: Request, _response: Response, next: NextFunction) => {
    next(problemOf(error));
  });
}
