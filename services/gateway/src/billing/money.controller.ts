import { createGenerationSchema, type CreateGeneration } from '@clipmesh/contracts';
import { type BudgetRules, emptyAccount, estimate, type LlmTerms, periodOf } from '@clipmesh/billing';
import { type Stores } from '@clipmesh/persistence';
import { Body, Controller, Get, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { SchemaPipe } from '../http/schema.pipe.js';
import { buildJob, JOB_DEFAULTS, type JobDefaults } from '../jobs/job.builder.js';
import { STORES } from '../runtime/runtime.tokens.js';
import { BUDGET, LLM_TERMS } from './billing.tokens.js';
import {
  estimateView,
  type EstimateView,
  modelsView,
  type ModelsView,
  usageView,
  type UsageView,
} from './money.schemas.js';
import { estimateViewOf, modelsViewOf, usageViewOf } from './money.view.js';
import { type Days, usageQuery } from './usage.query.js';

/** Prices, estimates and usage. */
@ApiTags('money')
@Controller('v1')
export class MoneyController {
  constructor(
    @Inject(STORES) private readonly stores: Pick<Stores, 'accounts' | 'ledger'>,
    @Inject(BUDGET) private readonly budget: BudgetRules | undefined,
    @Inject(LLM_TERMS) private readonly llm: LlmTerms,
    @Inject(JOB_DEFAULTS) private readonly defaults: JobDefaults,
  ) {}

  @Post('estimates')
  @HttpCode(200)
  @ApiOperation({ summary: 'Estimate the cost of a generation without creating it' })
  @ApiJsonResponse(200, 'The lowest and highest cost, per scene and in total.', estimateView)
  @ApiProblems(400, 401, 413, 415)
  estimates(@Body({ schema: createGenerationSchema }) request: CreateGeneration): EstimateView {
    const job = { ...buildJob(request, this.defaults), referenceImage: request.referenceImage };
    return estimateViewOf(estimate(job, this.llm, this.defaults.table), request.mode !== 'auto');
  }

  @Get('models')
  @ApiOperation({ summary: 'List the video models with their prices and capabilities' })
  @ApiJsonResponse(200, 'The models.', modelsView)
  @ApiProblems(401)
  models(): ModelsView {
    return modelsViewOf(this.defaults.table, this.defaults.models);
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
  async usage(@Owner() owner: string, @Query(new SchemaPipe(usageQuery)) days: Days): Promise<UsageView> {
    const { stores, budget } = this;
    const rows = await stores.ledger.usage(owner, days.from, days.to);
    if (budget === undefined) return usageViewOf(days, rows, undefined);
    const period = periodOf(budget.period, new Date());
    const account = (await stores.accounts.get(owner, period))?.value ?? emptyAccount(owner, period);
    return usageViewOf(days, rows, { rules: budget, account });
  }
}
