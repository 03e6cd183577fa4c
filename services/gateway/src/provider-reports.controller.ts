import { withSpan } from '@clipmesh/tracing';
import { Controller, HttpCode, Inject, Post, type RawBodyRequest, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SpanKind } from '@opentelemetry/api';
import { type Request } from 'express';
import { z } from 'zod';
import { PROVIDER_REPORT_PATH } from './access.js';
import { ProblemError } from './problem.js';
import { isSigned } from './webhook.signature.js';

export const PROVIDER_REPORT_DEPS = Symbol('PROVIDER_REPORT_DEPS');
export interface ProviderReportDeps {
  /** What the provider signs with; without it every webhook is refused. */
  readonly secret: string | undefined;
  /** Tells whoever waits for this prediction that it changed. */
  readonly nudge: (predictionId: string) => Promise<void>;
}

/** A prediction is a few kB; its logs may be long. */
export const PROVIDER_REPORT_LIMIT_BYTES = 1024 * 1024;
const bodySchema = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/) });

/** Where the provider reports. What it says is not believed, only looked at: whoever waits asks the provider itself. */
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
    if (secret === undefined || !isSigned(signed, secret, Date.now()))
      throw new ProblemError(
        401,
        'WEBHOOK_NOT_SIGNED',
        'This report is not signed',
        'the signature does not fit REPLICATE_WEBHOOK_SECRET, or is older than 5 minutes',
      );
    const report = bodySchema.safeParse(request.body);
    if (!report.success)
      throw new ProblemError(400, 'INVALID_REQUEST', 'The request is not valid', 'the body is no prediction');
    const { id } = report.data;
    const attributes = { 'clipmesh.prediction.id': id };
    await withSpan('clipmesh.gateway', 'webhook replicate', attributes, () => nudge(id), SpanKind.INTERNAL);
  }
}
