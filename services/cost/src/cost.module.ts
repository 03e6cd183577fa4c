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
import { COST_PARTS, CostActor } from './cost.actor.js';
import { CostQuestions, LEDGER } from './cost.questions.controller.js';

const STORES = Symbol('STORES');
/** Its replicas share the questions under this name. */
const QUEUE_GROUP = 'cost';

@Module({})
class CostModule {}

@Module({})
class CostQuestionsModule {}

/**
 * Nest's own NATS transport beside the inbox: it starts and ends with the actor's application. A microservice of its own,
 * because every handler of an application goes to every transport of it, and a question is no inbox.
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
      { provide: COST_PARTS, useValue: { ledger, generations, accounts, purchases, logger } },
      { provide: STORES, useValue: { onApplicationShutdown: () => stores.close() } },
      { provide: QuestionServer, useFactory: () => new QuestionServer(runtime, ledger) },
    ],
  };
}
