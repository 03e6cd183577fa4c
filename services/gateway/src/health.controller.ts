import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Refuses } from './docs.module.js';
import { unavailable } from './problem.js';

export const HEALTH_PARTS = Symbol('HEALTH_PARTS');
export interface HealthParts {
  /** Resolves when the broker and the store answer; rejects when they do not, in bounded time. */
  readonly check: () => Promise<void>;
}

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(@Inject(HEALTH_PARTS) private readonly parts: HealthParts) {}

  @Get('healthz')
  @ApiOperation({ summary: 'The process is alive' })
  alive(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOperation({ summary: 'The broker and the store answer' })
  @Refuses(503)
  async ready(): Promise<{ status: string }> {
    try {
      await this.parts.check();
    } catch (error) {
      throw unavailable('NOT_READY', 'the broker or the store does not answer', error);
    }
    return { status: 'ok' };
  }
}
