import { ClipmeshError } from '@clipmesh/contracts';
import { type ProviderReports } from '@clipmesh/persistence';
import { type FalSignature } from '@clipmesh/providers';
import { withSpan } from '@clipmesh/tracing';
import { Controller, HttpCode, Inject, Param, Post, type RawBodyRequest, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SpanKind } from '@opentelemetry/api';
import { type Request } from 'express';
import { z } from 'zod';
import { refuseForgedAddress } from '../http/auth/access.js';
import { Public } from '../http/auth/auth.decorator.js';
import { badRequest, ProblemError, unavailable } from '../http/problems/problem.js';
import { type Logger } from '../runtime/runtime.tokens.js';

export const FAL_REPORT_DEPS = Symbol('FAL_REPORT_DEPS');
export interface FalReportDeps {
  /** PROVIDER_WEBHOOK_SECRET, of which the address is made. Absent: every report is rejected. */
  readonly secret: string | undefined;
  readonly isSigned: FalSignature;
  readonly record: ProviderReports['record'];
  /** Notifies the handler that waits for this request that it has changed. */
  readonly nudge: (requestId: string) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

const bodySchema = z.object({ request_id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/) });

/**
 * Receives reports of fal. The address proves that a report is about our purchase, and the signature that it is fal's. A report says
 * only which request belongs to the purchase: its result is read from fal.
 */
@Public()
@ApiExcludeController()
@Controller('/v1/webhooks/fal/:key/:mac')
export class FalReportsController {
  constructor(@Inject(FAL_REPORT_DEPS) private readonly deps: FalReportDeps) {}

  @Post()
  @HttpCode(204)
  async reported(
    @Param('key') key: string,
    @Param('mac') mac: string,
    @Req() request: RawBodyRequest<Request>,
  ): Promise<void> {
    const { secret, record, nudge, logger } = this.deps;
    // Checked once more: the router also takes other spellings of the path, which the check before the body ignores.
    refuseForgedAddress(`/v1/webhooks/fal/${key}/${mac}`, secret);
    if (!(await this.isSigned(request)))
      throw new ProblemError(
        401,
        'WEBHOOK_NOT_SIGNED',
        'The signature is not valid',
        'the signature does not match a key of FAL_JWKS_URL, or is older than 5 minutes',
      );
    const report = bodySchema.safeParse(request.body);
    if (!report.success) throw badRequest('request_id', 'expected the id of a request');
    const { request_id: requestId } = report.data;
    const attributes = { 'clipmesh.prediction.id': requestId };
    await withSpan(
      'clipmesh.gateway',
      'webhook fal',
      attributes,
      async () => {
        const { value, isNew } = await record('fal', key, requestId);
        const fields = { purchase: key, predictionId: requestId };
        if (isNew) logger.info(fields, 'fal reported a request');
        else if (value !== requestId)
          logger.warn({ ...fields, first: value }, 'fal reported a second request; ignored');
        await nudge(value);
      },
      SpanKind.INTERNAL,
    );
  }

  /** Throws a 503 when fal's keys cannot be read: fal sends the report again. */
  private async isSigned(request: RawBodyRequest<Request>): Promise<boolean> {
    try {
      return await this.deps.isSigned({
        header: (name) => request.get(name),
        body: request.rawBody ?? Buffer.alloc(0),
      });
    } catch (error) {
      if (!(error instanceof ClipmeshError)) throw error;
      throw unavailable('PROVIDER_KEYS_UNAVAILABLE', 'the keys of fal cannot be read now', error);
    }
  }
}
