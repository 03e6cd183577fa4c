import { type ActorService } from '@clipmesh/messaging';
import { stitcherModule } from './stitcher.module.js';

/** The stitcher service. */
export const stitcherService: ActorService = {
  service: 'stitcher',
  module: stitcherModule,
  settings: (config) => ({
    stitcher: {
      concurrency: config.stitchConcurrency,
      retry: {
        maxTries: config.mediaAttempts,
        firstDelayMs: config.mediaRetryFirstMs,
        maxDelayMs: config.mediaRetryMaxMs,
      },
      handlerTimeoutMs: config.stitchTimeoutMs,
    },
  }),
};
