import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Response } from 'express';
import { AnswersWith, Refuses } from './docs.module.js';
import { type GatewayParts, requireOwner } from './gateway.parts.js';
import { type Metrics } from './metrics.js';

export const METRICS_PARTS = Symbol('METRICS_PARTS');
export interface MetricsParts extends Pick<GatewayParts, 'ownerOf'> {
  readonly metrics: Metrics;
}

@ApiTags('health')
@Controller()
export class MetricsController {
  constructor(@Inject(METRICS_PARTS) private readonly parts: MetricsParts) {}

  @Get('metrics')
  @ApiOperation({ summary: 'Figures for Prometheus' })
  @AnswersWith(200, 'The text format of Prometheus.', 'text/plain')
  @Refuses(401)
  async scrape(@Headers('authorization') authorization: string | undefined, @Res() response: Response): Promise<void> {
    requireOwner(this.parts, authorization);
    const { metrics } = this.parts;
    const text = await metrics.text();
    response.set('Cache-Control', 'no-store').type(metrics.contentType).send(text);
  }
}
