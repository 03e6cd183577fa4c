import { randomUUID } from 'node:crypto';
import { type Config } from '@clipmesh/config';
import { withTimeout } from '@clipmesh/contracts';
import { readBrokerState } from '@clipmesh/messaging';
import { type LimitStore } from '@clipmesh/persistence';
import { nestLogger } from '@clipmesh/tracing';
import { Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { EventStreams } from '../reports/event.streams.js';
import { ReportsModule } from '../reports/reports.module.js';
import { CONFIG, type Connection, CONNECTION, LIMITS, type Logger, LOGGER } from '../runtime/runtime.tokens.js';

import { HealthController } from './health.controller.js';
import { SCRAPE_RULES, type ScrapeRules } from './metrics.access.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { MetricsLeader } from './metrics.leader.js';

/** Timeout of the release of the metrics lease, ms. */
const RESIGN_TIMEOUT_MS = 2000;

/** Serves health and metrics. */
@Module({
  imports: [
    ReportsModule,
    TerminusModule.forRootAsync({
      inject: [LOGGER],
      // Logs which check failed.
      useFactory: (logger: Logger) => ({ logger: nestLogger(logger) }),
    }),
  ],
  controllers: [HealthController, MetricsController],
  providers: [
    {
      provide: SCRAPE_RULES,
      inject: [CONFIG],
      useFactory: ({ metricsToken, apiKeys, publicUrl }: Config): ScrapeRules => ({
        token: metricsToken,
        isLocal: apiKeys.length === 0 && publicUrl === undefined,
      }),
    },
    {
      provide: MetricsLeader,
      inject: [LIMITS, CONFIG],
      useFactory: (store: LimitStore, { metricsLeaseMs }: Config) =>
        new MetricsLeader({ store, id: randomUUID(), leaseMs: metricsLeaseMs }),
    },
    {
      provide: Metrics,
      inject: [CONNECTION, MetricsLeader, EventStreams],
      useFactory: (connection: Connection, leader: MetricsLeader, streams: EventStreams) =>
        new Metrics({
          broker: () => readBrokerState(connection),
          leads: () => leader.leads(),
          openStreams: () => streams.open,
        }),
    },
  ],
  exports: [Metrics],
})
export class OperationsModule implements OnModuleDestroy {
  constructor(@Inject(MetricsLeader) private readonly leader: MetricsLeader) {}

  /** The broker may be unavailable; the lease expires on its own. */
  async onModuleDestroy(): Promise<void> {
    await withTimeout(RESIGN_TIMEOUT_MS, () => this.leader.resign()).catch(() => undefined);
  }
}
