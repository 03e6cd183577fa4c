import { Readable } from 'node:stream';
import { ClipmeshError } from '@clipmesh/contracts';
import { type ArtifactStore, type ProviderReports } from '@clipmesh/persistence';
import { type ProviderSettings, REPORT_LANES, type ReportLane, reportNudgeId } from '@clipmesh/providers';
import { withSpan } from '@clipmesh/tracing';
import { Controller, HttpCode, Inject, Post, type RawBodyRequest, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SpanKind } from '@opentelemetry/api';
import { type Request } from 'express';
import { z } from 'zod';
import { forgedAddress, purchaseOfReport, REPORT_ROUTES, reportSenderOf } from '../http/auth/access.js';
import { Public } from '../http/auth/auth.decorator.js';
import { badRequest, ProblemError, unavailable } from '../http/problems/problem.js';
import { type Logger } from '../runtime/runtime.tokens.js';

export const PROVIDER_REPORT_DEPS = Symbol('PROVIDER_REPORT_DEPS');
export interface ProviderReportDeps {
  readonly settings: ProviderSettings;
  readonly artifacts: Pick<ArtifactStore, 'put'>;
  readonly record: ProviderReports['record'];
  /** Notifies the handler that waits for this prediction, or for the report of this purchase. */
  readonly nudge: (id: string) => Promise<void>;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

type Lane<Body> = Extract<ReportLane<ProviderSettings>, { readonly body: Body }>;
type Signature = ReturnType<Lane<'signed'>['signatureOf']>;

const idSchema = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/);

/**
 * Receives the reports of all providers. The address of a report proves that it is about our purchase, and its signature that it is the
 * provider's. A signed report triggers a poll: the handler gets the result from the provider itself. A stored report is the answer of
 * the prediction, and the only copy of it: the sweep for unreferenced files removes it.
 */
@Public()
@ApiExcludeController()
@Controller([...REPORT_ROUTES])
export class ProviderReportsController {
  readonly #signatures: ReadonlyMap<string, Signature>;

  constructor(@Inject(PROVIDER_REPORT_DEPS) private readonly deps: ProviderReportDeps) {
    this.#signatures = new Map(
      [...REPORT_LANES].flatMap(([provider, lane]) =>
        lane.body === 'signed' ? [[provider, lane.signatureOf(deps.settings)] as const] : [],
      ),
    );
  }

  @Post()
  @HttpCode(204)
  async reported(@Req() request: RawBodyRequest<Request>): Promise<void> {
    // The router also takes other spellings of the path, which the checks before the body ignore.
    const sender = reportSenderOf(request.path);
    if (sender === undefined) throw forgedAddress();
    const { provider, lane } = sender;
    const key = purchaseOfReport(request.path, this.deps.settings)?.key;
    if (lane.body === 'signed') await this.#signed(request, provider, lane, key);
    else if (key !== undefined) await this.#stored(request, provider, lane, key);
  }

  async #signed(
    request: RawBodyRequest<Request>,
    provider: string,
    { idField }: Lane<'signed'>,
    key: string | undefined,
  ): Promise<void> {
    await this.#refuseUnsigned(request, provider);
    const report = z.object({ [idField]: idSchema }).safeParse(request.body);
    const id = report.data?.[idField];
    if (id === undefined) throw badRequest(idField, 'expected the id of a prediction');
    const attributes = { 'clipmesh.prediction.id': id };
    await withSpan(
      'clipmesh.gateway',
      `webhook ${provider}`,
      attributes,
      async () => {
        const reported = key === undefined ? id : await this.#record(provider, key, id, { predictionId: id });
        await this.deps.nudge(reported);
      },
      SpanKind.INTERNAL,
    );
  }

  /** Throws a 401, and a 503 when the signature cannot be verified now: the provider sends the report again. */
  async #refuseUnsigned(request: RawBodyRequest<Request>, provider: string): Promise<void> {
    const signature = this.#signatures.get(provider);
    const webhook = {
      header: (name: string) => request.get(name),
      body: request.rawBody ?? Buffer.alloc(0),
    };
    try {
      if ((await signature?.isSigned(webhook)) === true) return;
    } catch (error) {
      if (!(error instanceof ClipmeshError)) throw error;
      throw unavailable('PROVIDER_KEYS_UNAVAILABLE', `the keys of ${provider} cannot be read now`, error);
    }
    throw new ProblemError(
      401,
      'WEBHOOK_NOT_SIGNED',
      'The signature is not valid',
      `the signature does not match ${signature?.signedWith ?? 'anything'}, or is older than 5 minutes`,
    );
  }

  async #stored(request: Request, provider: string, lane: Lane<'stored'>, key: string): Promise<void> {
    const maxBytes = lane.maxBytesOf(this.deps.settings);
    await withSpan(
      'clipmesh.gateway',
      `webhook ${provider}`,
      {},
      async () => {
        const body = Readable.from(bytesOf(request, maxBytes, lane.limitVariable));
        const file = await this.deps.artifacts.put(body, { contentType: 'application/json' });
        if (file.bytes === 0) throw badRequest('body', 'expected a prediction');
        await this.#record(provider, key, file.key, { bytes: file.bytes });
        await this.deps.nudge(reportNudgeId(key));
      },
      SpanKind.INTERNAL,
    );
  }

  /** Records the first report of a purchase. Resolves with what was reported first. */
  async #record(provider: string, key: string, reported: string, fields: object): Promise<string> {
    const { record, logger } = this.deps;
    const { value, isNew } = await record(provider, key, reported);
    if (isNew) logger.info({ purchase: key, ...fields }, `${provider} reported a purchase`);
    else if (value !== reported)
      logger.warn({ purchase: key, ...fields, first: value }, `${provider} reported a purchase again; ignored`);
    return value;
  }
}

/**
 * The bytes of a report. More than `maxBytes` is a 413, and a broken connection a 400. It never ends the connection, which has to carry
 * the answer.
 */
async function* bytesOf(request: Request, maxBytes: number, limitVariable: string): AsyncGenerator<Buffer> {
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
  const detail = `the report exceeds ${limitVariable} (${maxBytes / 1024 / 1024} MB)`;
  // The rest is not read.
  throw new ProblemError(413, 'BODY_TOO_LARGE', 'The body is too large', detail, { headers: { Connection: 'close' } });
}
