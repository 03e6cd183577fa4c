import { type BudgetRules, type LlmTerms, type ModelTable } from '@clipmesh/billing';
import { CancelRequested, message } from '@clipmesh/contracts';
import { type Cancellations, type Publish } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { retryGeneration } from '@clipmesh/pipeline';
import { Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { BUDGET, LLM_TERMS } from '../billing/billing.tokens.js';
import { acceptedView, type AcceptedView } from '../http/api.schemas.js';
import { Owner } from '../http/auth/auth.decorator.js';
import { ApiJsonResponse, ApiProblems } from '../http/openapi.module.js';
import { ProblemError } from '../http/problems/problem.js';
import { CANCELLATIONS, MODELS, PUBLISH, STORES } from '../runtime/runtime.tokens.js';
import { startDeps } from './generation.start.js';
import { acceptedOf } from './generation.view.js';
import { OwnedGenerations } from './owned.generations.js';
import { checkCost } from './run.cost.js';

const now = (): string => new Date().toISOString();

/** Cancels a run of a generation, and starts another. */
@ApiTags('generations')
@Controller('v1/generations')
export class RunsController {
  constructor(
    @Inject(OwnedGenerations) private readonly owned: OwnedGenerations,
    @Inject(STORES) private readonly stores: Stores,
    @Inject(PUBLISH) private readonly publish: Publish,
    @Inject(CANCELLATIONS) private readonly cancellations: Pick<Cancellations, 'request' | 'check'>,
    @Inject(BUDGET) private readonly budget: BudgetRules | undefined,
    @Inject(LLM_TERMS) private readonly llm: LlmTerms,
    @Inject(MODELS) private readonly models: ModelTable,
  ) {}

  @Post(':id/cancel')
  @HttpCode(202)
  @ApiOperation({ summary: 'Cancel a generation and its provider calls in flight' })
  @ApiJsonResponse(202, 'Cancel requested. The event generation.canceled reports the end.', acceptedView)
  @ApiProblems(401, 404, 409, 503)
  async cancel(@Param('id') id: string, @Owner() owner: string): Promise<AcceptedView> {
    const { state } = await this.owned.find(id, owner);
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
      await this.publish([
        message(CancelRequested, { generationId: id, at: now(), charges: [], reason: 'canceled by the client' }),
      ]);
      // After the event: a flag without its event would only drop the work. If this crashes in between, the canceler sets the
      // flag.
      await this.cancellations.request(id);
    }
    return acceptedOf(id, state);
  }

  @Post(':id/retry')
  @HttpCode(202)
  @ApiOperation({ summary: 'Retry a failed generation; finished work is kept and not charged again' })
  @ApiJsonResponse(202, 'The retry is accepted.', acceptedView)
  @ApiProblems(401, 402, 404, 409, 422, 503)
  async retry(@Param('id') id: string, @Owner() owner: string): Promise<AcceptedView> {
    const record = await this.owned.find(id, owner);
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
    if (await this.cancellations.check(id)) {
      throw new ProblemError(
        409,
        'CANCELED',
        'The generation was canceled',
        'the generation failed while it was being canceled; create a new one',
        { extensions: { retryable: false } },
      );
    }
    const { stores, budget, publish, llm, models } = this;
    // Planning again must leave enough budget for the clips. With a plan, the director checks the cost of each clip.
    if (state.plan === undefined) checkCost({ llm, models, budget }, state.job, state.costMicros);
    return acceptedOf(id, await retryGeneration(startDeps({ stores, budget }, publish), record, models, now()));
  }
}
