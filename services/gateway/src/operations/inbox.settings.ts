import { type Config } from '@clipmesh/config';
import { type InboxName } from '@clipmesh/contracts';
import { type ActorSettings } from '@clipmesh/messaging';

/** Settings of the gateway's inboxes. */
export function inboxSettings(config: Config): Partial<Record<InboxName, ActorSettings>> {
  return {
    notifier: {
      concurrency: 4,
      retry: { maxTries: 20, firstDelayMs: 100, maxDelayMs: 10_000 },
      handlerTimeoutMs: 30_000,
    },
    webhooks: {
      concurrency: config.webhookConcurrency,
      retry: {
        maxTries: config.webhookAttempts,
        firstDelayMs: config.webhookRetryFirstMs,
        maxDelayMs: config.webhookRetryMaxMs,
        postpone: {
          firstDelayMs: config.webhookWaitFirstMs,
          maxDelayMs: config.webhookWaitMaxMs,
          forMs: config.webhookWaitForMs,
        },
      },
      // The handler also reads the store.
      handlerTimeoutMs: config.webhookTimeoutMs + 30_000,
    },
  };
}
