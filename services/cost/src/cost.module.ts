import { accessOf, questionTransport, type ServiceRuntime } from '@clipmesh/messaging';
import { type LedgerStore, openStores } from '@clipmesh/persistence';
import { nestLogger } from '@clipmesh/tracing';
import {
  type DynamicModule,
  type INestMicroservice,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { COST_DEPS, CostActor } from './cost.actor.js';
import { CostQuestions, LEDGER } from './cost.questions.controller.js';

const STORES = Symbol('STORES');
/** Queue group that shares the requests among the replicas. */
const QUEUE_GROUP = 'cost';

@Module({})
class CostModule {}

@Module({})
class CostQuestionsModule {}

/**
 * Serves requests over Nest's NATS transport. Starts and stops with the application of the actor. A separate microservice,
 * because Nest binds every handler of an application to all its transports.
 */
class QuestionServer implements OnApplicationBootstrap, OnModuleDestroy {
  private server: INestMicroservice | undefined;

  constructor(
    private readonly runtime: Pick<ServiceRuntime, 'config' | 'logger' | 'workerId'>,
    private readonly ledger: LedgerStore,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { config, logger, workerId } = this.runtime;
    const module: DynamicModule = {
      module: CostQuestionsModule,
      controllers: [CostQuestions],
      providers: [{ provide: LEDGER, useValue: this.ledger }],
    };
    this.server = await NestFactory.createMicroservice(module, {
      ...questionTransport(accessOf(config), { name: `${workerId}.questions`, queue: QUEUE_GROUP }),
      logger: nestLogger(logger),
      abortOnError: false,
    });
    await this.server.listen();
  }

  async onModuleDestroy(): Promise<void> {
    await this.server?.close();
  }
}

export async function costModule(runtime: ServiceRuntime): Promise<DynamicModule> {
  const { config, connection, logger } = runtime;
  const stores = await openStores({ connection, config });
  const { ledger, generations, accounts, purchases } = stores;
  return {
    module: CostModule,
    controllers: [CostActor],
    providers: [
      { provide: COST_DEPS, useValue: { ledger, generations, accounts, purchases, logger } },
      { provide: STORES, useValue: { onApplicationShutdown: () => stores.close() } },
      { provide: QuestionServer, useFactory: () => new QuestionServer(runtime, ledger) },
    ],
  };
}
