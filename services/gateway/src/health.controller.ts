import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Answers, Refuses } from './docs.module.js';
import { unavailable } from './problem.js';

export const HEALTH_PARTS = Symbol('HEALTH_PARTS');
export interface HealthParts {
  /** Resolves when the broker and the store answer; rejects when they do not, in bounded time. */
  readonly check: () => Promise<void>;
}

const okView = z.object({ status: z.literal('ok') });

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(@Inject(HEALTH_PARTS) private readonly parts: HealthParts) {}

  @Get('healthz')
  @ApiOperation({ summary: 'The process is alive' })
  @Answers(200, 'It is.', okView)
  alive(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOperation({ summary: 'The broker and the store answer' })
  @Answers(200, 'They do.', okView)
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
