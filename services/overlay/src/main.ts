import 'reflect-metadata';
import { runActorService } from '@clipmesh/messaging';
import { overlayModule } from './overlay.module.js';

await runActorService({
  service: 'overlay',
  module: overlayModule,
  settings: (config) => ({
    overlay: {
      concurrency: config.overlayConcurrency,
      retry: {
        attempts: config.mediaAttempts,
        firstDelayMs: config.mediaRetryFirstMs,
        maxDelayMs: config.mediaRetryMaxMs,
      },
      handlerTimeoutMs: config.overlayTimeoutMs,
      heartbeatMs: config.ackWaitMs / 3,
      drainMs: config.drainMs,
    },
  }),
});
