import { Controller, Get, Inject, Res } from '@nestjs/common';
import { type Response } from 'express';

export const HEALTH_PARTS = Symbol('HEALTH_PARTS');
export interface HealthParts {
  /** Resolves when the broker and the store answer. */
  readonly check: () => Promise<void>;
}

@Controller()
export class HealthController {
  constructor(@Inject(HEALTH_PARTS) private readonly parts: HealthParts) {}

  @Get('healthz')
  alive(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  async ready(@Res() response: Response): Promise<void> {
    try {
      await this.parts.check();
      response.json({ status: 'ok' });
    } catch {
      response.status(503).json({ status: 'unavailable', detail: 'the broker or the store does not answer' });
    }
  }
}
