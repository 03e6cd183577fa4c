import { Controller, Get, Inject, Res, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Response } from 'express';
import { Public } from '../http/auth/auth.decorator.js';
import { ApiContentResponse, ApiProblems } from '../http/openapi.module.js';
import { MetricsGuard } from './metrics.guard.js';
import { Metrics } from './metrics.js';

@Public()
@ApiTags('health')
@Controller()
export class MetricsController {
  constructor(@Inject(Metrics) private readonly metrics: Metrics) {}

  @Get('metrics')
  @UseGuards(MetricsGuard)
  @ApiOperation({
    summary:
      'Metrics for Prometheus; requires METRICS_TOKEN, or a connection from this machine to a gateway without API_KEYS and PUBLIC_URL',
  })
  @ApiContentResponse(200, 'Metrics in the Prometheus text format.', 'text/plain')
  @ApiProblems(401, 403)
  async scrape(@Res() response: Response): Promise<void> {
    const text = await this.metrics.text();
    response.set('Cache-Control', 'no-store').type(this.metrics.contentType).send(text);
  }
}
