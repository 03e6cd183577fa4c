import { randomUUID } from 'node:crypto';
import { type Config } from '@clipmesh/config';
import { withTimeout } from '@clipmesh/contracts';
import { readBrokerState } from '@clipmesh/messaging';
import { type LimitStore, type Stores } from '@clipmesh/persistence';
import { Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import { EventStreams } from '../reports/event.streams.js';
import { ReportsModule } from '../reports/reports.module.js';
import { CONFIG, type Connection, CONNECTION, LIMITS, STORES } from '../runtime/runtime.tokens.js';

import { HEALTH_DEPS, HealthController, type HealthDeps } from './health.controller.js';
import { SCRAPE_RULES, type ScrapeRules } from './metrics.access.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { MetricsLeader } from './metrics.leader.js';

/** Timeout of a readiness probe, and of the release of the metrics lease, ms. */
const TIMEOUT_MS = 2000;

/** Serves health and metrics. */
@Module({
  imports: [ReportsModule],
  controllers: [HealthController, MetricsController],
  providers: [
    {
      provide: HEALTH_DEPS,
      inject: [CONNECTION, STORES],
      useFactory: (connection: Connection, stores: Stores): HealthDeps => ({
        check: () =>
          withTimeout(TIMEOUT_MS, async () => {
            await connection.flush();
            await stores.generations.get(`gen_${'0'.repeat(32)}`);
          }),
      }),
    },
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
    await withTimeout(TIMEOUT_MS, () => this.leader.resign()).catch(() => undefined);
  }
}
