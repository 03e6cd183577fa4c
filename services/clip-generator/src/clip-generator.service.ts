import { type ActorService, HAND_BACK_MS } from '@clipmesh/messaging';
import { clipGeneratorModule } from './clip-generator.module.js';

/** The clip generator: purchases, and what stops them. */
export const clipGeneratorService: ActorService = {
  service: 'clip-generator',
  module: clipGeneratorModule,
  settings: (config) => ({
    'clip-generator': {
      concurrency: config.clipConcurrency,
      retry: {
        attempts: config.videoAttempts,
        firstDelayMs: config.videoRetryFirstMs,
        maxDelayMs: config.videoRetryMaxMs,
        patienceMs: { PROVIDER_RATE_LIMITED: config.rateLimitPatienceMs },
      },
      handlerTimeoutMs:
        config.videoGenerationTimeoutMs +
        config.clipDownloadAttempts * (config.downloadTimeoutMs + config.clipDownloadRetryMaxMs),
      heartbeatMs: config.ackWaitMs / 3,
      // The prediction goes on at its provider; the next replica finds it there.
      drainMs: Math.min(config.drainMs, HAND_BACK_MS),
    },
    canceler: {
      concurrency: 4,
      // Repeated until it is certain that nothing is being bought any more.
      retry: { attempts: 100, firstDelayMs: 100, maxDelayMs: 10_000 },
      handlerTimeoutMs: 2 * 60_000,
      heartbeatMs: config.ackWaitMs / 3,
      drainMs: config.drainMs,
      // A cancel that was told before the stop still stops the spend.
      emptiesFirst: true,
    },
  }),
};
