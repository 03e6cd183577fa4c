import { type ActorService, SHORT_DRAIN_MS } from '@clipmesh/messaging';
import { plannerModule } from './planner.module.js';
import { REPORT_TRIES } from './reporting/report.host.js';

/** The planner service: plans, the director, and the performance report. */
export const plannerService: ActorService = {
  service: 'planner',
  module: plannerModule,
  settings: (config) => ({
    planner: {
      concurrency: config.planConcurrency,
      retry: { maxTries: config.llmAttempts, firstDelayMs: config.llmRetryFirstMs, maxDelayMs: config.llmRetryMaxMs },
      // Covers the wait for another generation's answer, an own call, and the search for lost answers.
      handlerTimeoutMs: config.openaiApiTimeoutMs * 3,
    },
    director: {
      concurrency: config.directorConcurrency,
      retry: { maxTries: 20, firstDelayMs: 50, maxDelayMs: 5000 },
      handlerTimeoutMs: 30_000,
    },
    reporter: {
      concurrency: 4,
      retry: { maxTries: REPORT_TRIES, firstDelayMs: 1000, maxDelayMs: 10_000 },
      handlerTimeoutMs: 30_000,
      drainMs: SHORT_DRAIN_MS,
    },
  }),
};
