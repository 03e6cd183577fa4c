import {
  CancelRequested,
  type CreateGeneration,
  createGenerationSchema,
  GENERATION_STATUSES,
  type GenerationRecord,
  type GenerationState,
  type Job,
  message,
  type Outgoing,
} from '@clipmesh/contracts';
import { estimate, type Estimate, periodOf } from '@clipmesh/billing';
import { initialState, retryGeneration, startGeneration } from '@clipmesh/pipeline';
import { ATTR, currentTraceparent } from '@clipmesh/tracing';
import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { trace } from '@opentelemetry/api';
import { type Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import {
  acceptedView,
  type AcceptedView,
  generationView,
  type GenerationView,
  pageView,
  type PageView,
} from '../http/api.schemas.js';
import { refuseLowCap, refuseUnpriced } from '../billing/budget.problems.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { findOwned, GATEWAY_DEPS, type GatewayDeps, requireOwner } from '../gateway.deps.js';
import { publishStart, startDeps } from './generation.start.js';
import { acceptedOf, viewOf } from './generation.view.js';
import { claimKey, claimOf, fingerprintOf, legacyFingerprintOf, resolveClaim } from '../http/idempotency.js';
import { buildJob, parseRequest } from './job.builder.js';
import { checkFiles, storeFiles } from '../media/job.files.js';
import { PAGE, parseListQuery } from './list.query.js';
import { ProblemError } from '../http/problems/problem.js';
import { checkWebhookUrl } from '../webhooks/webhook.url.js';

const now = (): string => new Date().toISOString();

@ApiTags('generations')
@Controller('v1/generations')
export class GenerationsController {
  constructor(@Inject(GATEWAY_DEPS) private readonly deps: GatewayDeps) {}

  @Post()
  @ApiOperation({ summary: 'Create a generation' })
  @ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description:
      'Makes a create safe to retry: the same key with the same body (compared as a JSON value) returns the same generation with its current status.',
  })
  @ApiJsonResponse(202, 'Accepted. `Location` is the URL of the generation.', acceptedView)
  @ApiProblems(400, 401, 402, 409, 413, 415, 422, 429, 503)
  async create(
    @Body({ schema: createGenerationSchema }) body: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Headers('idempotency-key') key: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const owner = requireOwner(this.deps, authorization);
    const request = parseRequest(body);
    if (request.webhookUrl !== undefined) checkWebhookUrl(request.webhookUrl, 'webhookUrl', this.deps.webhookRules);
    const newId = `gen_${uuidv7().replaceAll('-', '')}`;
    const claim = key === undefined ? undefined : claimOf(owner, key);
    const { id, fresh } = claim === undefined ? { id: newId, fresh: true } : await this.claim(claim, request, newId);
    let state: GenerationState | undefined;
    if (fresh)
      state = await this.jobOf(request, owner)
        .then((job) => this.start(id, owner, job, claim, request.webhookUrl))
        .catch(this.releaseClaim(claim, id));
    else response.set('Idempotency-Replayed', 'true');
    // Do not read back what this request stored: a failed read would turn a successful create into an error.
    const answer = acceptedOf(id, state ?? (await findOwned(this.deps, id, authorization)).state);
    response.status(202).location(answer.links.self).json(answer);
  }

  @Get()
  @ApiOperation({ summary: 'List your generations, newest first' })
  @ApiQuery({ name: 'status', required: false, enum: GENERATION_STATUSES })
  @ApiQuery({
    name: 'limit',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: PAGE.max, default: PAGE.default },
  })
  @ApiQuery({ name: 'after', required: false, description: '`next` of the previous page.', type: String })
  @ApiJsonResponse(200, 'A page of generations.', pageView)
  @ApiProblems(400, 401, 503)
  async list(
    @Headers('authorization') authorization: string | undefined,
    @Query() given: Record<string, unknown>,
  ): Promise<PageView> {
    const owner = requireOwner(this.deps, authorization);
    const query = parseListQuery(given);
    // One extra record shows whether there is another page.
    const records = await this.deps.stores.generations.list({ ...query, owner, limit: query.limit + 1 });
    const page = records.slice(0, query.limit);
    const last = page.at(-1);
    return {
      generations: page.map(viewOf),
      ...(records.length > page.length && last !== undefined ? { next: last.id } : {}),
    };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get a generation' })
  @ApiJsonResponse(200, 'The generation.', generationView)
  @ApiProblems(401, 404, 503)
  async read(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<GenerationView> {
    return viewOf(await findOwned(this.deps, id, authorization));
  }

  @Post(':id/cancel')
  @HttpCode(202)
  @ApiOperation({ summary: 'Cancel a generation and its provider calls in flight' })
  @ApiJsonResponse(202, 'Cancel requested. The event generation.canceled reports the end.', acceptedView)
  @ApiProblems(401, 404, 409, 503)
  async cancel(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<AcceptedView> {
    const { state } = await findOwned(this.deps, id, authorization);
    if (state.status === 'succeeded' || state.status === 'failed') {
      throw new ProblemError(
        409,
        'ALREADY_FINISHED',
        'The generation has ended',
        `the generation is already ${state.status}; there is nothing to cancel`,
        { extensions: { retryable: false } },
      );
    }
    if (state.status !== 'canceled') {
      await this.deps.publish([
        message(CancelRequested, { generationId: id, at: now(), charges: [], reason: 'canceled by the client' }),
      ]);
      // After the event: a flag without its event would only drop the work. If this crashes in between, the canceler sets the
      // flag.
      await this.deps.cancellations.request(id);
    }
    return acceptedOf(id, state);
  }

  @Post(':id/retry')
  @HttpCode(202)
  @ApiOperation({ summary: 'Retry a failed generation; finished work is kept and not charged again' })
  @ApiJsonResponse(202, 'The retry is accepted.', acceptedView)
  @ApiProblems(401, 402, 404, 409, 422, 503)
  async retry(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<AcceptedView> {
    const record = await findOwned(this.deps, id, authorization);
    const { state } = record;
    if (state.status !== 'failed') {
      throw new ProblemError(
        409,
        'NOT_FAILED',
        'The generation has not failed',
        `the generation is ${state.status}; only a failed generation can be retried`,
        { extensions: { retryable: false } },
      );
    }
    // Canceled while it failed: every command of another run would be dropped.
    if (await this.deps.cancellations.check(id)) {
      throw new ProblemError(
        409,
        'CANCELED',
        'The generation was canceled',
        'the generation failed while it was being canceled; create a new one',
        { extensions: { retryable: false } },
      );
    }
    // Planning again must leave enough budget for the clips. With a plan, the director checks the cost of each clip.
    if (state.plan === undefined) this.checkCost(state.job, state.costMicros);
    return acceptedOf(id, await retryGeneration(startDeps(this.deps, this.deps.publish), record, now()));
  }

  /** Releases the key of a rejected request, so that the client can send the same request again later. */
  private releaseClaim(claim: string | undefined, id: string): (error: unknown) => Promise<never> {
    return async (error) => {
      const { idempotency, generations } = this.deps.stores;
      const isRefused = error instanceof ProblemError && error.status < 500;
      if (isRefused && claim !== undefined && (await generations.get(id)) === undefined)
        await idempotency.release(claim, id);
      throw error;
    };
  }

  /** The generation id of the key, and whether this request has to create it. */
  private async claim(key: string, request: CreateGeneration, newId: string): Promise<{ id: string; fresh: boolean }> {
    const { stores, defaults } = this.deps;
    // Check before claiming: a rejected request must not use up the key.
    const job = buildJob(request, defaults);
    this.checkCost(job, 0);
    checkFiles(request);
    const fingerprint = fingerprintOf(request);
    const claim = await claimKey(stores, key, fingerprint, newId);
    const fingerprints = [fingerprint, legacyFingerprintOf(request)];
    return { id: claim.generationId, fresh: resolveClaim(claim, { fingerprints, atMs: Date.now() }) };
  }

  /** The estimate of a job with `spentMicros` already spent. Throws a 422 or 402 when it does not fit the cap or budget. */
  private checkCost(job: Job, spentMicros: number): Estimate {
    const { llm, budget } = this.deps;
    const estimated = estimate(job, llm);
    refuseUnpriced(estimated, llm.model, budget !== undefined || job.maxCostMicros !== undefined);
    refuseLowCap(spentMicros + estimated.lowMicros, job.maxCostMicros);
    return estimated;
  }

  private async jobOf(request: CreateGeneration, owner: string): Promise<Job> {
    const { defaults, budget } = this.deps;
    const built = buildJob(request, defaults);
    const { highMicros } = this.checkCost(built, 0);
    // With an owner budget, every generation has a cap: the reservation is its maximum cost.
    const checked = budget === undefined ? built : { ...built, maxCostMicros: built.maxCostMicros ?? highMicros };
    return { ...checked, ...(await storeFiles(this.deps, request, owner)) };
  }

  /** The stored state. Undefined when another request with the same id has stored it. */
  private async start(
    id: string,
    owner: string,
    job: Job,
    claim: string | undefined,
    webhookUrl: string | undefined,
  ): Promise<GenerationState | undefined> {
    const { logger, budget, lastEventSequence } = this.deps;
    trace.getActiveSpan()?.setAttribute(ATTR.generationId, id);
    const at = now();
    const traceparent = currentTraceparent();
    // Optional: without it, the event stream only replays more than necessary.
    const eventsAfter = await lastEventSequence().catch(() => undefined);
    const record: GenerationRecord = {
      id,
      owner,
      createdAt: at,
      updatedAt: at,
      ...(eventsAfter === undefined ? {} : { eventsAfter }),
      traceId: traceparent?.split('-')[1] ?? '',
      ...(traceparent === undefined ? {} : { traceparent }),
      state: initialState(job),
      ...(budget === undefined ? {} : { account: { period: periodOf(budget.period, new Date(at)) } }),
      ...(claim === undefined ? {} : { claim }),
      ...(webhookUrl === undefined ? {} : { webhookUrl }),
    };
    const publish = (outgoing: readonly Outgoing[]): Promise<void> => publishStart(this.deps, outgoing, id);
    if (!(await startGeneration(startDeps(this.deps, publish), record))) return undefined;
    logger.info(
      { generationId: id, owner, durationSeconds: job.durationSeconds, window: job.window },
      'generation accepted',
    );
    return record.state;
  }
}
