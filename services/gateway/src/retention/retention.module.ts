import { type Config } from '@clipmesh/config';
import { type Periodic, purgeGeneration } from '@clipmesh/messaging';
import { type ArtifactStore, type Stores } from '@clipmesh/persistence';
import { Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { GenerationsModule } from '../generations/generations.module.js';
import {
  ARTIFACTS,
  CONFIG,
  type Connection,
  CONNECTION,
  type Logger,
  LOGGER,
  STORES,
} from '../runtime/runtime.tokens.js';
import { DeletionController } from './deletion.controller.js';
import { FORGET, type Forget, startRetention } from './retention.js';

/** Deletes generations: at the request of their owners, and when they expire. */
@Module({
  imports: [GenerationsModule],
  controllers: [DeletionController],
  providers: [
    {
      provide: FORGET,
      inject: [CONNECTION],
      useFactory:
        (connection: Connection): Forget =>
        (of) =>
          purgeGeneration(connection, of),
    },
  ],
})
export class RetentionModule implements OnModuleInit, OnModuleDestroy {
  private sweeper: Periodic | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(STORES) private readonly stores: Stores,
    @Inject(ARTIFACTS) private readonly artifacts: ArtifactStore,
    @Inject(FORGET) private readonly forget: Forget,
  ) {}

  onModuleInit(): void {
    const { config, logger, stores, artifacts, forget } = this;
    const { retentionMs, orphanGraceMs, retentionSweepMs } = config;
    this.sweeper = startRetention(
      { stores, artifacts, forget, logger, now: () => Date.now(), retentionMs, orphanGraceMs },
      retentionSweepMs,
    );
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper?.stop();
  }
}
