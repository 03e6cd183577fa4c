import { createGenerationSchema } from '@clipmesh/contracts';
import { emptyAccount, estimate, periodOf } from '@clipmesh/billing';
import { Body, Controller, Get, Headers, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { GATEWAY_DEPS, type GatewayDeps, requireOwner } from '../gateway.deps.js';
import { buildJob, parseRequest } from '../generations/job.builder.js';
import {
  estimateView,
  type EstimateView,
  modelsView,
  type ModelsView,
  usageView,
  type UsageView,
} from './money.schemas.js';
import { estimateViewOf, modelsViewOf, parseDays, usageViewOf } from './money.view.js';

/** Prices, estimates and usage. */
@ApiTags('money')
@Controller('v1')
export class MoneyController {
  constructor(@Inject(GATEWAY_DEPS) private readonly deps: GatewayDeps) {}

  @Post('estimates')
  @HttpCode(200)
  @ApiOperation({ summary: 'Estimate the cost of a generation without creating it' })
  @ApiJsonResponse(200, 'The lowest and highest cost, per scene and in total.', estimateView)
  @ApiProblems(400, 401, 413, 415)
  estimates(
    @Body({ schema: createGenerationSchema }) body: unknown,
    @Headers('authorization') authorization: string | undefined,
  ): EstimateView {
    requireOwner(this.deps, authorization);
    const { defaults, llm } = this.deps;
    return estimateViewOf(estimate(buildJob(parseRequest(body), defaults), llm));
  }

  @Get('models')
  @ApiOperation({ summary: 'List the video models with their prices and capabilities' })
  @ApiJsonResponse(200, 'The models.', modelsView)
  @ApiProblems(401)
  models(@Headers('authorization') authorization: string | undefined): ModelsView {
    requireOwner(this.deps, authorization);
    return modelsViewOf(this.deps.defaults.models);
  }

  @Get('usage')
  @ApiOperation({ summary: 'Get your charges by day, model and stage, and the rest of your budget' })
  @ApiQuery({
    name: 'from',
    required: false,
    type: String,
    description: 'First day, UTC. Default: the first day of the month of `to`.',
  })
  @ApiQuery({
    name: 'to',
    required: false,
    type: String,
    description: 'Last day, UTC. Default: the last day of this month.',
  })
  @ApiJsonResponse(200, 'Sums and single rows.', usageView)
  @ApiProblems(400, 401, 503)
  async usage(
    @Headers('authorization') authorization: string | undefined,
    @Query() given: Record<string, unknown>,
  ): Promise<UsageView> {
    const owner = requireOwner(this.deps, authorization);
    const now = new Date();
    const days = parseDays(given, now);
    const { stores, budget } = this.deps;
    const rows = await stores.ledger.usage(owner, days.from, days.to);
    if (budget === undefined) return usageViewOf(days, rows, undefined);
    const period = periodOf(budget.period, now);
    const account = (await stores.accounts.get(owner, period))?.value ?? emptyAccount(owner, period);
    return usageViewOf(days, rows, { rules: budget, account });
  }
}
