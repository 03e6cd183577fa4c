import { type ActorService } from '@clipmesh/messaging';
import { speakerModule } from './speaker.module.js';

/** Speeches of a scene that one command buys at most: the script, and two shorter ones. */
const SPEECHES = 3;

/** The speaker: speaks the scripts of scenes. */
export const speakerService: ActorService = {
  service: 'speaker',
  module: speakerModule,
  settings: (config) => ({
    speaker: {
      concurrency: config.speechConcurrency,
      retry: { maxTries: config.llmAttempts, firstDelayMs: config.llmRetryFirstMs, maxDelayMs: config.llmRetryMaxMs },
      // Each may wait for another generation that buys the same speech.
      handlerTimeoutMs: 2 * SPEECHES * (config.speechTimeoutMs + config.providerCallTimeoutMs),
    },
  }),
};
