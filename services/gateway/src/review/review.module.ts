import { Module } from '@nestjs/common';
import { BudgetModule } from '../billing/budget.module.js';
import { GenerationsModule } from '../generations/generations.module.js';
import { ReviewController } from './review.controller.js';
import { ScenesController } from './scenes.controller.js';

/** Changes and approves plans, and regenerates scenes. */
@Module({ imports: [BudgetModule, GenerationsModule], controllers: [ReviewController, ScenesController] })
export class ReviewModule {}
