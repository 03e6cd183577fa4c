import { createGenerationSchema } from '@clipmesh/contracts';
import { estimate, periodOf } from '@clipmesh/pipeline';
import { Body, Controller, Get, Headers, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { emptyAccount } from './budget.js';
import { ApiJsonResponse, ApiProblems } from './docs.module.js';
import { GATEWAY_DEPS, type GatewayDeps, requireOwner } from './gateway.parts.js';
import { buildJob, parseRequest } from './job.builder.js';
import {
  estimateView,
  type EstimateView,
  modelsView,
  type ModelsView,
  usageView,
  type UsageView,
} from './money.schemas.js';
import { estimateViewOf, modelsViewOf, parseDays, usageViewOf } from './money.view.js';

/** What things cost, and what was spent. */
@ApiTags('money')
@Controller('v1')
export class MoneyController {
  constructor(@Inject(GATEWAY_DEPS) private readonly deps: GatewayDeps) {}

  @Post('estimates')
  @HttpCode(200)
  @ApiOperation({ summary: 'What a film may cost; nothing is made' })
  @ApiJsonResponse(200, 'From the least to the most, per scene and in all.', estimateView)
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
  @ApiOperation({ summary: 'The video models, their prices and what they can do' })
  @ApiJsonResponse(200, 'The table.', modelsView)
  @ApiProblems(401)
  models(@Headers('authorization') authorization: string | undefined): ModelsView {
    requireOwner(this.deps, authorization);
    return modelsViewOf(this.deps.defaults.models);
  }

  @Get('usage')
  @ApiOperation({ summary: 'What you were charged, by day, model and stage, and what is left of your budget' })
  @ApiQuery({
    name: 'from',
    required: false,
    type: String,
    description: 'First day, UTC. Default: of the month of `to`.',
  })
  @ApiQuery({ name: 'to', required: false, type: String, description: 'Last day, UTC. Default: of this month.' })
  @ApiJsonResponse(200, 'The sums.', usageView)
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
