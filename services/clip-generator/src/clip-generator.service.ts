import { type ActorService, SHORT_DRAIN_MS } from '@clipmesh/messaging';
import { clipGeneratorModule } from './clip-generator.module.js';

/** The clip generator: buys clips, draws those of drafts, and cancels purchases. */
export const clipGeneratorService: ActorService = {
  service: 'clip-generator',
  module: clipGeneratorModule,
  settings: (config) => ({
    'clip-generator': {
      concurrency: config.clipConcurrency,
      retry: {
        maxTries: config.videoAttempts,
        firstDelayMs: config.videoRetryFirstMs,
        maxDelayMs: config.videoRetryMaxMs,
        patienceMs: { PROVIDER_RATE_LIMITED: config.rateLimitPatienceMs },
        // The time limit of the provider's report ends it.
        postpone: { firstDelayMs: config.pollIntervalMs, maxDelayMs: config.pollIntervalMs, forMs: Infinity },
      },
      handlerTimeoutMs:
        config.videoGenerationTimeoutMs +
        config.clipDownloadAttempts * (config.downloadTimeoutMs + config.clipDownloadRetryMaxMs),
      // The prediction continues at the provider, where the next replica finds it.
      drainMs: Math.min(config.drainMs, SHORT_DRAIN_MS),
    },
    canceler: {
      concurrency: 4,
      // Repeats until no purchase has an unknown outcome.
      retry: { maxTries: 100, firstDelayMs: 100, maxDelayMs: 10_000 },
      handlerTimeoutMs: 2 * 60_000,
      // A cancel that was published before the stop still cancels the purchases.
      drainFirst: true,
    },
  }),
};
