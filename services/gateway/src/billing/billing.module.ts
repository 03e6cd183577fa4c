import { type BudgetRules, llmPrice } from '@clipmesh/billing';
import { type Config } from '@clipmesh/config';
import { type Periodic, type Publish } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module.js';
import { ownersOf } from '../http/auth/access.js';
import { CONFIG, type Logger, LOGGER, PUBLISH, STORES } from '../runtime/runtime.tokens.js';
import { BUDGET } from './billing.tokens.js';
import { BudgetModule } from './budget.module.js';
import { startBudgetSweeper } from './budget.sweeper.js';
import { MoneyController } from './money.controller.js';

/** Serves prices, estimates and usage, and repairs budgets. */
@Module({ imports: [BudgetModule, JobsModule], controllers: [MoneyController] })
export class BillingModule implements OnModuleInit, OnModuleDestroy {
  private sweeper: Periodic | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(PUBLISH) private readonly publish: Publish,
    @Inject(STORES) private readonly stores: Stores,
    @Inject(BUDGET) private readonly budget: BudgetRules | undefined,
  ) {}

  onModuleInit(): void {
    const { config, logger, publish, stores, budget: rules } = this;
    if (rules === undefined) return;
    if ((config.llmPrice ?? llmPrice(config.openaiModel)) === undefined)
      logger.warn(
        { model: config.openaiModel },
        'the price of the language model is unknown: the gateway refuses every create while BUDGET_PER_OWNER_USD is set; set LLM_INPUT_PRICE_USD_PER_MTOK and LLM_OUTPUT_PRICE_USD_PER_MTOK',
      );
    const owners = ownersOf(config.apiKeys);
    this.sweeper = startBudgetSweeper({ stores, rules, owners, publish, logger, intervalMs: config.budgetSweepMs });
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper?.stop();
  }
}
