import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Public } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { unavailable } from '../http/problems/problem.js';

export const HEALTH_DEPS = Symbol('HEALTH_DEPS');
export interface HealthDeps {
  /** Resolves when the broker and the store answer. Rejects otherwise, within a timeout. */
  readonly check: () => Promise<void>;
}

const okView = z.object({ status: z.literal('ok') });

@Public()
@ApiTags('health')
@Controller()
export class HealthController {
  constructor(@Inject(HEALTH_DEPS) private readonly deps: HealthDeps) {}

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
    try {
      await this.deps.check();
    } catch (error) {
      throw unavailable('NOT_READY', 'the broker or the store does not answer', error);
    }
    return { status: 'ok' };
  }
}
