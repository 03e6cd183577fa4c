import { type Clock } from '@clipmesh/messaging';
import { type CacheLimits, type CacheStore, sweepCache } from '@clipmesh/persistence';
import { type createLogger } from '@clipmesh/tracing';

export interface CacheSweeperParts {
  readonly store: CacheStore;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'info' | 'warn'>;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly limits: CacheLimits;
}

/** Forgets, again and again, what is past its time or over the size limit. Files that nothing names are not its business. */
export function startCacheSweeper({ store, logger, clock, intervalMs, limits }: CacheSweeperParts): {
  stop: () => Promise<void>;
} {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(intervalMs, stopping.signal);
      try {
        const removed = await sweepCache(store, clock.now(), limits);
        if (removed > 0) logger.info({ removed }, 'entries of the cache were forgotten');
      } catch (error) {
        logger.warn({ err: error }, 'the cache could not be swept; it is tried again');
      }
    }
  })().catch(() => undefined);
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}
