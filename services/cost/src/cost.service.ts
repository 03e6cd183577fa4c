import { type ActorService } from '@clipmesh/messaging';
import { costModule } from './cost.module.js';

/** The cost service. */
export const costService: ActorService = {
  service: 'cost',
  module: costModule,
  settings: (config) => ({
    cost: {
      concurrency: config.costConcurrency,
      retry: { maxTries: 20, firstDelayMs: 100, maxDelayMs: 10_000 },
      handlerTimeoutMs: 30_000,
    },
  }),
};
