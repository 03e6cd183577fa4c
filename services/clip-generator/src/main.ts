import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { clipGeneratorModule } from './clip-generator.module.js';

await runActorService({
  service: 'clip-generator',
  module: clipGeneratorModule,
  settings: (config) => ({
    'clip-generator': {
      concurrency: config.clipConcurrency,
      retry: {
        attempts: config.videoAttempts,
        firstDelayMs: config.videoRetryFirstMs,
        maxDelayMs: config.videoRetryMaxMs,
      },
      handlerTimeoutMs: config.videoGenerationTimeoutMs + config.downloadTimeoutMs,
      heartbeatMs: config.ackWaitMs / 3,
      drainMs: 1000,
    },
  }),
});
