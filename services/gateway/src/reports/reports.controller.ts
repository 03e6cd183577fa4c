import { isDrafted, isFinal } from '@clipmesh/contracts';
import { type CostSummaryAnswer } from '@clipmesh/messaging';
import { Controller, Get, Headers, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type Request, type Response } from 'express';
import { costViewOf } from '../generations/generation.view.js';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { costView, type CostView, performanceView } from '../http/api.schemas.js';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiContentResponse, ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { badRequest, notReady, ProblemError, unavailable } from '../http/problems/problem.js';
import { startStream } from '../http/sse.js';
import { EventStreams } from './event.streams.js';
import { PerformanceReports, withOutcome } from './performance.reports.js';

/** Token of {@link CostOf}. */
export const COST_OF = Symbol('COST_OF');
/** Requests the cost of a generation from the cost service. Throws on a timeout. */
export type CostOf = (generationId: string) => Promise<CostSummaryAnswer>;

/** Events, cost and performance of a generation. */
@ApiTags('reports')
@Controller('v1/generations')
export class ReportsController {
  constructor(
    @Inject(OwnedGenerations) private readonly owned: OwnedGenerations,
    @Inject(EventStreams) private readonly streams: EventStreams,
    @Inject(COST_OF) private readonly costOf: CostOf,
    @Inject(PerformanceReports) private readonly reports: PerformanceReports,
  ) {}

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
    @Owner() owner: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const record = await this.owned.find(id, owner);
    if (lastEventId !== undefined && !/^\d{0,15}$/.test(lastEventId))
      throw badRequest('Last-Event-ID', 'must be the id of the last event received, a whole number');
    if (request.method === 'HEAD') {
      startStream(response).end();
      return;
    }
    await this.streams.serve(response, record, lastEventId === undefined ? undefined : Number(lastEventId));
  }

  @Get(':id/cost')
  @ApiOperation({ summary: 'Get the cost of a generation so far' })
  @ApiJsonResponse(200, 'The total and its ledger entries.', costView)
  @ApiProblems(401, 404, 503)
  async cost(@Param('id') id: string, @Owner() owner: string): Promise<CostView> {
    await this.owned.find(id, owner);
    try {
      return costViewOf(id, await this.costOf(id));
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
  async performance(@Param('id') id: string, @Owner() owner: string): Promise<unknown> {
    const { state, traceId } = await this.owned.find(id, owner);
    if (!isFinal(state.status) && !isDrafted(state)) throw notReady('performance report', state.status);
    const endedMs = state.finishedAt === undefined ? 0 : Date.parse(state.finishedAt);
    const report = await this.reports.of(traceId, endedMs);
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
