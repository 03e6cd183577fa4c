import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import {
  type Artifact,
  CancelRequested,
  GENERATION_ID,
  GENERATION_STATUSES,
  GenerationPlan,
  isFinal,
  type GenerationRecord,
  type GenerationStatus,
  message,
} from '@clipmesh/contracts';
import { type Cancellations, type Publish, type readEvents } from '@clipmesh/messaging';
import { AlreadyExistsError, type ArtifactStore, type Stores } from '@clipmesh/persistence';
import { initialState } from '@clipmesh/pipeline';
import { ATTR, currentTraceparent, type createLogger } from '@clipmesh/tracing';
import { Body, Controller, Get, Headers, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { type Request, type Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { dollars, linksOf, viewOf } from './generation.view.js';
import { buildJob, decodeMusic, type JobDefaults, parseRequest } from './job.builder.js';
import { badRequest, notFound, notReady, ProblemError } from './problem.js';
import { parseRange } from './range.js';
import { streamEvents } from './sse.js';

export const GATEWAY_PARTS = Symbol('GATEWAY_PARTS');
export interface GatewayParts {
  readonly stores: Stores;
  readonly artifacts: ArtifactStore;
  readonly publish: Publish;
  readonly cancellations: Cancellations;
  readonly events: (
    generationId: string,
    afterSequence: number | undefined,
    signal: AbortSignal,
  ) => ReturnType<typeof readEvents>;
  /** The report of a trace; undefined when its spans are gone. */
  readonly performance: (traceId: string) => Promise<unknown>;
  readonly defaults: JobDefaults;
  readonly sseHeartbeatMs: number;
  readonly logger: ReturnType<typeof createLogger>;
  /** The owner that a bearer token stands for; undefined: refused. */
  readonly ownerOf: (authorization: string | undefined) => string | undefined;
}

const now = (): string => new Date().toISOString();
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

@Controller('v1/generations')
export class GenerationsController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Post()
  async create(
    @Body() body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Headers('idempotency-key') idempotencyKey: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const owner = this.owner(authorization);
    const { stores, artifacts, publish, defaults, logger } = this.parts;
    const request = parseRequest(body);
    let music: Artifact | undefined;
    if (request.music !== undefined) {
      const { bytes, contentType } = decodeMusic(request.music.data);
      music = await artifacts.put(bytes, { contentType });
    }
    const job = buildJob(request, defaults, music);
    let id = `gen_${uuidv7().replaceAll('-', '')}`;
    if (idempotencyKey !== undefined) {
      if (!IDEMPOTENCY_KEY.test(idempotencyKey)) throw badRequest('Idempotency-Key: 1-200 visible ASCII characters');
      const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex');
      const claim = await stores.idempotency.claim(`${owner}:${idempotencyKey}`, fingerprint, id);
      if (claim.fingerprint !== fingerprint) {
        throw new ProblemError(
          422,
          'IDEMPOTENCY_KEY_REUSED',
          'The Idempotency-Key was used before',
          'this Idempotency-Key came with another body; use a new key for a new request',
        );
      }
      id = claim.generationId;
    }
    const span = trace.getActiveSpan();
    span?.setAttribute(ATTR.generationId, id);
    const at = now();
    const record: GenerationRecord = {
      id,
      owner,
      createdAt: at,
      updatedAt: at,
      traceId: currentTraceparent()?.split('-')[1] ?? '',
      state: initialState(job),
    };
    let stored = record;
    try {
      await stores.generations.create(record);
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
      stored = (await stores.generations.get(id))?.value ?? record;
    }
    await publish([message(GenerationPlan, { generationId: id, attempt: 1, job: stored.state.job })]);
    logger.info(
      { generationId: id, owner, durationSeconds: job.durationSeconds, window: job.window },
      'generation accepted',
    );
    response
      .status(202)
      .location(linksOf(id)['self'] ?? '')
      .json({ id, status: stored.state.status, links: linksOf(id) });
  }

  @Get()
  async list(
    @Headers('authorization') authorization: string | undefined,
    @Query('status') status: string | undefined,
    @Query('limit') limit: string | undefined,
    @Query('after') after: string | undefined,
  ): Promise<unknown> {
    const owner = this.owner(authorization);
    if (status !== undefined && !(GENERATION_STATUSES as readonly string[]).includes(status)) {
      throw badRequest(`status: one of ${GENERATION_STATUSES.join(', ')}`);
    }
    const count = limit === undefined ? 20 : Number(limit);
    if (!Number.isInteger(count) || count < 1 || count > 100) throw badRequest('limit: a whole number from 1 to 100');
    if (after !== undefined && !GENERATION_ID.test(after))
      throw badRequest('after: the id of the last generation of the page before');
    const records = await this.parts.stores.generations.list({
      owner,
      limit: count,
      ...(status === undefined ? {} : { status: status as GenerationStatus }),
      ...(after === undefined ? {} : { after }),
    });
    return { generations: records.map(viewOf), ...(records.length === count ? { next: records.at(-1)?.id } : {}) };
  }

  @Get(':id')
  async read(@Param('id') id: string, @Headers('authorization') authorization: string | undefined): Promise<unknown> {
    return viewOf(await this.find(id, authorization));
  }

  @Post(':id/cancel')
  async cancel(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const record = await this.find(id, authorization);
    if (record.state.status === 'succeeded' || record.state.status === 'failed') {
      throw new ProblemError(
        409,
        'ALREADY_FINISHED',
        'The generation has ended',
        `the generation is ${record.state.status} already; there is nothing to cancel`,
      );
    }
    await this.parts.cancellations.request(id);
    await this.parts.publish([
      message(CancelRequested, { generationId: id, at: now(), charges: [], reason: 'canceled by the client' }),
    ]);
    response.status(202).json({ id, status: record.state.status, links: linksOf(id) });
  }

  @Get(':id/events')
  async events(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    await this.find(id, authorization);
    if (lastEventId !== undefined && !/^\d{1,15}$/.test(lastEventId))
      throw badRequest('Last-Event-ID: the id of the last event received');
    const { events, sseHeartbeatMs } = this.parts;
    await streamEvents(
      response,
      (signal) => events(id, lastEventId === undefined ? undefined : Number(lastEventId), signal),
      sseHeartbeatMs,
    );
  }

  @Get(':id/video')
  async video(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const record = await this.find(id, authorization);
    const { result, status } = record.state;
    if (result === undefined) throw notReady('video', status);
    await this.send(result.video, request, response);
  }

  @Get(':id/thumbnail')
  async thumbnail(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const record = await this.find(id, authorization);
    const { result, status } = record.state;
    if (result === undefined) throw notReady('thumbnail', status);
    await this.send(result.thumbnail, request, response);
  }

  @Get(':id/cost')
  async cost(@Param('id') id: string, @Headers('authorization') authorization: string | undefined): Promise<unknown> {
    await this.find(id, authorization);
    const entries = await this.parts.stores.ledger.entries(id);
    return {
      id,
      totalUsd: dollars(entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0)),
      entries: entries.map(({ amountMicros, generationId: _id, owner: _owner, ...entry }) => ({
        ...entry,
        amountUsd: dollars(amountMicros),
      })),
    };
  }

  @Get(':id/performance')
  async performance(@Param('id') id: string, @Headers('authorization') authorization: string | undefined): Promise<unknown> {
    const { state, traceId } = await this.find(id, authorization);
    if (!isFinal(state.status)) throw notReady('performance report', state.status);
    const report = await this.parts.performance(traceId);
    if (report === undefined) throw new ProblemError(404, 'TRACE_NOT_FOUND', 'The trace is gone', 'the spans of this generation are no longer kept');
    return report;
  }

  private async send(artifact: Artifact, request: Request, response: Response): Promise<void> {
    const range = parseRange(request.headers.range, artifact.bytes);
    if (range.kind === 'unsatisfiable') {
      response.set('Content-Range', `bytes */${artifact.bytes}`);
      const detail = `the file has ${artifact.bytes} bytes; ask for a range within them`;
      throw new ProblemError(416, 'RANGE_NOT_SATISFIABLE', 'The range is outside the file', detail);
    }
    response.set({
      'Content-Type': artifact.contentType,
      'Accept-Ranges': 'bytes',
      ETag: `"${artifact.sha256}"`,
      'Cache-Control': 'private, max-age=3600',
    });
    const part = range.kind === 'part' ? { start: range.start, end: range.end } : undefined;
    const source = await this.parts.artifacts.open(artifact, part);
    response
      .status(part === undefined ? 200 : 206)
      .set('Content-Length', String(part === undefined ? artifact.bytes : part.end - part.start + 1));
    if (part !== undefined) response.set('Content-Range', `bytes ${part.start}-${part.end}/${artifact.bytes}`);
    try {
      await pipeline(source, response);
    } catch (error) {
      if (!response.destroyed) throw error;
    }
  }

  private owner(authorization: string | undefined): string {
    const owner = this.parts.ownerOf(authorization);
    if (owner === undefined)
      throw new ProblemError(
        401,
        'UNAUTHORIZED',
        'A valid API key is needed',
        'send Authorization: Bearer <key> with one of the configured API_KEYS',
      );
    return owner;
  }

  /** Another owner's generation is answered like one that does not exist. */
  private async find(id: string, authorization: string | undefined): Promise<GenerationRecord> {
    const owner = this.owner(authorization);
    const found = GENERATION_ID.test(id) ? await this.parts.stores.generations.get(id) : undefined;
    if (found === undefined || found.value.owner !== owner) throw notFound(id);
    return found.value;
  }
}
