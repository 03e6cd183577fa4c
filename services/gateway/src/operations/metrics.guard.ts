import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { type Request } from 'express';
import { checkScrape, SCRAPE_RULES, type ScrapeRules } from './metrics.access.js';

/** Checks access to the metrics. Throws a 401 or a 403. */
@Injectable()
export class MetricsGuard implements CanActivate {
  constructor(@Inject(SCRAPE_RULES) private readonly rules: ScrapeRules) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers, socket } = context.switchToHttp().getRequest<Request>();
    checkScrape(this.rules, { authorization: headers.authorization, address: socket.remoteAddress, headers });
    return true;
  }
}
