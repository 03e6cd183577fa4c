import { Controller, Get, Headers, Inject, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Request, type Response } from 'express';
import { ApiContentResponse, ApiProblems } from '../http/openapi.module.js';
import { checkScrape, type ScrapeRules } from './metrics.access.js';
import { type Metrics } from './metrics.js';

export const METRICS_DEPS = Symbol('METRICS_DEPS');
export interface MetricsDeps {
  readonly metrics: Metrics;
  readonly access: ScrapeRules;
}

@ApiTags('health')
@Controller()
export class MetricsController {
  constructor(@Inject(METRICS_DEPS) private readonly deps: MetricsDeps) {}

  @Get('metrics')
  @ApiOperation({
    summary:
      'Metrics for Prometheus; requires METRICS_TOKEN, or a connection from this machine to a gateway without API_KEYS and PUBLIC_URL',
  })
  @ApiContentResponse(200, 'Metrics in the Prometheus text format.', 'text/plain')
  @ApiProblems(401, 403)
  async scrape(
    @Headers('authorization') authorization: string | undefined,
    @Req() { socket, headers }: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { metrics, access } = this.deps;
    checkScrape(access, { authorization, address: socket.remoteAddress, headers });
    const text = await metrics.text();
    response.set('Cache-Control', 'no-store').type(metrics.contentType).send(text);
  }
}
