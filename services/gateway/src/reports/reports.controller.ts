import { isFinal } from '@clipmesh/contracts';
import { Controller, Get, Headers, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type Request, type Response } from 'express';
import { costView, type CostView, performanceView } from '../http/api.schemas.js';
import { ApiJsonResponse, ApiContentResponse, ApiProblems } from '../http/openapi.module.js';
import { findOwned, GATEWAY_DEPS, type GatewayDeps } from '../gateway.deps.js';
import { costViewOf } from '../generations/generation.view.js';
import { withOutcome } from './performance.reports.js';
import { badRequest, notReady, ProblemError, unavailable } from '../http/problems/problem.js';
import { startStream, streamEvents } from '../http/sse.js';

/** How long the stream of an ended generation waits for its next event, ms. The last events may no longer be kept. */
const IDLE_TIMEOUT_MS = 5000;

/** Events, cost and performance of a generation. */
@ApiTags('reports')
@Controller('v1/generations')
export class ReportsController {
  constructor(@Inject(GATEWAY_DEPS) private readonly deps: GatewayDeps) {}

  @Get(':id/events')
  @ApiOperation({ summary: 'Stream the events of a generation, from its start to its end' })
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description:
      'The id of the last event received: its ordinal among the events of this generation, 1, 2, …. The stream continues after it. An unknown id replays everything.',
  })
  @ApiContentResponse(200, 'Server-sent events. The stream ends with the generation.', 'text/event-stream')
  @ApiResponse({ status: 204, description: 'The generation has ended and you have its last event. Do not reconnect.' })
  @ApiProblems(400, 401, 404, 429, 503)
  async events(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const { owner, state, createdAt, eventsAfter } = await findOwned(this.deps, id, authorization);
    if (lastEventId !== undefined && !/^\d{0,15}$/.test(lastEventId))
      throw badRequest('Last-Event-ID', 'must be the id of the last event received, a whole number');
    if (request.method === 'HEAD') {
      startStream(response).end();
      return;
    }
    const { events, hasAllEvents, sseHeartbeatMs, streamLimit } = this.deps;
    const release = streamLimit.acquire(owner);
    try {
      await streamEvents(response, {
        open: (signal) => events(id, signal),
        after: lastEventId === undefined ? undefined : Number(lastEventId),
        isNumbered:
          lastEventId === undefined || (await hasAllEvents({ after: eventsAfter, sinceMs: Date.parse(createdAt) })),
        run: state.run,
        ended: isFinal(state.status),
        heartbeatMs: sseHeartbeatMs,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
      });
    } finally {
      release();
    }
  }

  @Get(':id/cost')
  @ApiOperation({ summary: 'Get the cost of a generation so far' })
  @ApiJsonResponse(200, 'The total and its ledger entries.', costView)
  @ApiProblems(401, 404, 503)
  async cost(@Param('id') id: string, @Headers('authorization') authorization: string | undefined): Promise<CostView> {
    await findOwned(this.deps, id, authorization);
    try {
      return costViewOf(id, await this.deps.cost(id));
    } catch (error) {
      throw unavailable(
        'COST_UNAVAILABLE',
        'the cost service does not answer; the ledger is not affected, retry the request',
        error,
      );
    }
  }

  @Get(':id/performance')
  @ApiOperation({ summary: 'Get the performance report: parallelism and bottleneck' })
  @ApiJsonResponse(200, 'The performance report.', performanceView)
  @ApiProblems(401, 404, 409, 503)
  async performance(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<unknown> {
    const { state, traceId } = await findOwned(this.deps, id, authorization);
    if (!isFinal(state.status)) throw notReady('performance report', state.status);
    const endedMs = state.finishedAt === undefined ? 0 : Date.parse(state.finishedAt);
    const report = await this.deps.performance(traceId, endedMs);
    if (report === undefined)
      throw new ProblemError(
        404,
        'TRACE_NOT_FOUND',
        'The trace is no longer kept',
        'the spans of this generation are no longer kept',
        {
          extensions: { retryable: false },
        },
      );
    return withOutcome(report, state.status);
  }
}
