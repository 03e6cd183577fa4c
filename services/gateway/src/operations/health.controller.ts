import { type Stores } from '@clipmesh/persistence';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { z } from 'zod';
import { Public } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { unavailable } from '../http/problems/problem.js';
import { type Connection, CONNECTION, STORES } from '../runtime/runtime.tokens.js';

/** Timeout of each check of a readiness probe, ms. */
const TIMEOUT_MS = 2000;

const okView = z.object({ status: z.literal('ok') });

@Public()
@ApiTags('health')
@Controller()
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(CONNECTION) private readonly connection: Pick<Connection, 'flush'>,
    @Inject(STORES) private readonly stores: Pick<Stores, 'generations'>,
  ) {}

  @Get('healthz')
  @ApiOperation({ summary: 'Liveness: the process runs' })
  @ApiJsonResponse(200, 'The process runs.', okView)
  alive(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOperation({ summary: 'Readiness: the broker and the store answer' })
  @ApiJsonResponse(200, 'The broker and the store answer.', okView)
  @ApiProblems(503)
  async ready(): Promise<{ status: string }> {
    const { indicators, connection, stores } = this;
    try {
      await this.health.check([
        indicators
          .check('broker')
          .attempt(() => connection.flush())
          .withTimeout(TIMEOUT_MS),
        indicators
          .check('store')
          .attempt(async () => {
            await stores.generations.get(`gen_${'0'.repeat(32)}`);
          })
          .withTimeout(TIMEOUT_MS),
      ]);
    } catch (error) {
      throw unavailable('NOT_READY', 'the broker or the store does not answer', error);
    }
    return { status: 'ok' };
  }
}
