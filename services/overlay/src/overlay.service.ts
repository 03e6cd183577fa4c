import { type ActorService } from '@clipmesh/messaging';
import { overlayModule } from './overlay.module.js';

/** The overlay service. */
export const overlayService: ActorService = {
  service: 'overlay',
  module: overlayModule,
  settings: (config) => ({
    overlay: {
      concurrency: config.overlayConcurrency,
      retry: {
        maxTries: config.mediaAttempts,
        firstDelayMs: config.mediaRetryFirstMs,
        maxDelayMs: config.mediaRetryMaxMs,
      },
      handlerTimeoutMs: config.overlayTimeoutMs,
    },
  }),
};
