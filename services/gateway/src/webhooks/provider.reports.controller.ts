import { withSpan } from '@clipmesh/tracing';
import { Controller, HttpCode, Inject, Post, type RawBodyRequest, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SpanKind } from '@opentelemetry/api';
import { type Request } from 'express';
import { z } from 'zod';
import { PROVIDER_REPORT_PATH } from '../http/auth/access.js';
import { Public } from '../http/auth/auth.decorator.js';
import { ProblemError } from '../http/problems/problem.js';
import { isSigned } from './webhook.signature.js';

export const PROVIDER_REPORT_DEPS = Symbol('PROVIDER_REPORT_DEPS');
export interface ProviderReportDeps {
  /** The secret that verifies the provider's signature. Absent: every report is rejected. */
  readonly secret: string | undefined;
  /** Notifies the handler that waits for this prediction that it has changed. */
  readonly nudge: (predictionId: string) => Promise<void>;
}

const bodySchema = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/) });

/**
 * Receives reports of the provider, which authenticates them by its signature. A report only triggers a poll: the handler gets
 * the result from the provider itself.
 */
@Public()
@ApiExcludeController()
@Controller(PROVIDER_REPORT_PATH)
export class ProviderReportsController {
  constructor(@Inject(PROVIDER_REPORT_DEPS) private readonly deps: ProviderReportDeps) {}

  @Post()
  @HttpCode(204)
  async reported(@Req() request: RawBodyRequest<Request>): Promise<void> {
    const body = request.rawBody ?? Buffer.alloc(0);
    const { secret, nudge } = this.deps;
    const signed = {
      id: request.get('webhook-id'),
      timestamp: request.get('webhook-timestamp'),
      signature: request.get('webhook-signature'),
      body,
    };
    if (secret === undefined || !isSigned(signed, secret))
      throw new ProblemError(
        401,
        'WEBHOOK_NOT_SIGNED',
        'The signature is not valid',
        'the signature does not match REPLICATE_WEBHOOK_SECRET, or is older than 5 minutes',
      );
    const report = bodySchema.safeParse(request.body);
    if (!report.success)
      throw new ProblemError(400, 'INVALID_REQUEST', 'The request is not valid', 'the body is not a prediction');
    const { id } = report.data;
    const attributes = { 'clipmesh.prediction.id': id };
    await withSpan('clipmesh.gateway', 'webhook replicate', attributes, () => nudge(id), SpanKind.INTERNAL);
  }
}
