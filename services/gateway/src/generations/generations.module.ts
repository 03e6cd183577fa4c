import { type BudgetRules, type LlmTerms, type ModelTable } from '@clipmesh/billing';
import { type Config } from '@clipmesh/config';
import { lastEventSequence, type Publish } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { Module } from '@nestjs/common';
import { BUDGET, LLM_TERMS } from '../billing/billing.tokens.js';
import { BudgetModule } from '../billing/budget.module.js';
import { JOB_DEFAULTS, type JobDefaults } from '../jobs/job.builder.js';
import { FILE_DEPS, type FileDeps } from '../jobs/job.files.js';
import { JobsModule } from '../jobs/jobs.module.js';
import {
  CONFIG,
  type Connection,
  CONNECTION,
  type Logger,
  LOGGER,
  MODELS,
  PUBLISH,
  STORES,
} from '../runtime/runtime.tokens.js';
import { GenerationCreator } from './generation.create.js';
import { GenerationsController } from './generations.controller.js';
import { OwnedGenerations } from './owned.generations.js';
import { RunsController } from './runs.controller.js';

/** Creates, lists, cancels and retries generations. */
@Module({
  imports: [BudgetModule, JobsModule],
  controllers: [GenerationsController, RunsController],
  providers: [
    { provide: OwnedGenerations, inject: [STORES], useFactory: (stores: Stores) => new OwnedGenerations(stores) },
    {
      provide: GenerationCreator,
      inject: [STORES, PUBLISH, LOGGER, CONNECTION, CONFIG, BUDGET, LLM_TERMS, MODELS, JOB_DEFAULTS, FILE_DEPS],
      useFactory: (
        stores: Stores,
        publish: Publish,
        logger: Logger,
        connection: Connection,
        config: Config,
        budget: BudgetRules | undefined,
        llm: LlmTerms,
        models: ModelTable,
        defaults: JobDefaults,
        files: FileDeps,
      ) =>
        new GenerationCreator({
          ...{ stores, publish, logger, budget, llm, models, defaults, files },
          webhookRules: { allowPrivate: config.allowPrivateUrls },
          lastEventSequence: () => lastEventSequence(connection),
        }),
    },
  ],
  exports: [OwnedGenerations],
})
export class GenerationsModule {}
