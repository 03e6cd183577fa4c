import { Readable } from 'node:stream';
import { type ArtifactStore, type ProviderReports } from '@clipmesh/persistence';
import { withSpan } from '@clipmesh/tracing';
import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SpanKind } from '@opentelemetry/api';
import { type Request } from 'express';
import { refuseForgedAddress } from '../http/auth/access.js';
import { Public } from '../http/auth/auth.decorator.js';
import { badRequest, ProblemError } from '../http/problems/problem.js';
import { type Logger } from '../runtime/runtime.tokens.js';

export const COG_REPORT_DEPS = Symbol('COG_REPORT_DEPS');
export interface CogReportDeps {
  /** PROVIDER_WEBHOOK_SECRET, of which the address is made. Absent: every report is rejected. */
  readonly secret: string | undefined;
  readonly maxBytes: number;
  readonly artifacts: Pick<ArtifactStore, 'put'>;
  readonly record: ProviderReports['record'];
  /** Notifies the handler that waits for the report of this purchase. */
  readonly nudge: (purchaseKey: string) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Receives reports of Cog servers, which do not sign them: the address alone proves that they are ours. A report is the answer of the
 * prediction, with the clip in base64, and the only copy of it. It is stored as a file, unread, and its name with the purchase. The
 * sweep for unreferenced files removes it.
 */
@Public()
@ApiExcludeController()
@Controller('/v1/webhooks/cog/:key/:mac')
export class CogReportsController {
  constructor(@Inject(COG_REPORT_DEPS) private readonly deps: CogReportDeps) {}

  @Post()
  @HttpCode(204)
  async reported(@Param('key') key: string, @Param('mac') mac: string, @Req() request: Request): Promise<void> {
    const { secret, maxBytes, artifacts, record, nudge, logger } = this.deps;
    // Checked once more: the router also takes other spellings of the path, which the check before the body ignores.
    refuseForgedAddress(`/v1/webhooks/cog/${key}/${mac}`, secret);
    await withSpan(
      'clipmesh.gateway',
      'webhook cog',
      {},
      async () => {
        const file = await artifacts.put(Readable.from(bytesOf(request, maxBytes)), {
          contentType: 'application/json',
        });
        if (file.bytes === 0) throw badRequest('body', 'expected a prediction');
        const { value, isNew } = await record('cog', key, file.key);
        const fields = { purchase: key, bytes: file.bytes };
        if (isNew) logger.info(fields, 'a Cog server reported a prediction');
        else if (value !== file.key) logger.warn(fields, 'a Cog server reported a prediction again; ignored');
        await nudge(key);
      },
      SpanKind.INTERNAL,
    );
  }
}

/**
 * The bytes of a report. More than `maxBytes` is a 413, and a broken connection a 400. It never ends the connection, which has to carry
 * the answer.
 */
async function* bytesOf(request: Request, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      yield chunk;
    }
  } catch (cause) {
    throw new ProblemError(400, 'INVALID_REQUEST', 'The request is not valid', 'the body is not complete', { cause });
  }
  if (bytes <= maxBytes) return;
  const detail = `the report exceeds COG_REPORT_MAX_MB (${maxBytes / 1024 / 1024} MB)`;
  // The rest is not read.
  throw new ProblemError(413, 'BODY_TOO_LARGE', 'The body is too large', detail, { headers: { Connection: 'close' } });
}
