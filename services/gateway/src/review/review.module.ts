import { type BudgetRules, type ModelTable } from '@clipmesh/billing';
import { type Publish } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { Module } from '@nestjs/common';
import { BUDGET } from '../billing/billing.tokens.js';
import { BudgetModule } from '../billing/budget.module.js';
import { GenerationsModule } from '../generations/generations.module.js';
import { OwnedGenerations } from '../generations/owned.generations.js';
import { type Logger, LOGGER, MODELS, PUBLISH, STORES } from '../runtime/runtime.tokens.js';
import { type DraftReviewDeps } from './draft.review.js';
import { DRAFT_REVIEW, ReviewController } from './review.controller.js';
import { ScenesController } from './scenes.controller.js';

/** Changes and approves plans and drafts, and regenerates scenes. */
@Module({
  imports: [BudgetModule, GenerationsModule],
  controllers: [ReviewController, ScenesController],
  providers: [
    {
      provide: DRAFT_REVIEW,
      inject: [OwnedGenerations, STORES, PUBLISH, BUDGET, MODELS, LOGGER],
      useFactory: (
        owned: OwnedGenerations,
        stores: Stores,
        publish: Publish,
        budget: BudgetRules | undefined,
        models: ModelTable,
        logger: Logger,
      ): DraftReviewDeps => ({ owned, stores, publish, budget, models, logger }),
    },
  ],
})
export class ReviewModule {}
