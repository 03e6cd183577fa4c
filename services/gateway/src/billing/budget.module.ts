import { type BudgetRules, type LlmTerms } from '@clipmesh/billing';
import { type Config } from '@clipmesh/config';
import { Module } from '@nestjs/common';
import { CONFIG } from '../runtime/runtime.tokens.js';
import { BUDGET, LLM_TERMS } from './billing.tokens.js';

/** The limits and prices of every feature that starts runs. */
@Module({
  providers: [
    {
      provide: BUDGET,
      inject: [CONFIG],
      useFactory: ({ budgetPerOwnerMicros, budgetPeriod }: Config): BudgetRules | undefined =>
        budgetPerOwnerMicros === undefined ? undefined : { limitMicros: budgetPerOwnerMicros, period: budgetPeriod },
    },
    {
      provide: LLM_TERMS,
      inject: [CONFIG],
      useFactory: ({ openaiModel, llmAttempts, llmPrice }: Config): LlmTerms => ({
        model: openaiModel,
        tries: llmAttempts,
        price: llmPrice,
      }),
    },
  ],
  exports: [BUDGET, LLM_TERMS],
})
export class BudgetModule {}
