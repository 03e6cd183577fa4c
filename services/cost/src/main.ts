import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { costModule } from './cost.module.js';

await runActorService({
  service: 'cost',
  module: costModule,
  settings: (config) => ({
    cost: {
      concurrency: config.costConcurrency,
      retry: { attempts: 20, firstDelayMs: 100, maxDelayMs: 10_000 },
      handlerTimeoutMs: 30_000,
      heartbeatMs: config.ackWaitMs / 3,
      drainMs: config.drainMs,
    },
  }),
});
