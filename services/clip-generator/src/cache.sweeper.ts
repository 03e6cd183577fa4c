import { type Clock, every, type Periodic } from '@clipmesh/messaging';
import { type CacheLimits, sweepCache } from '@clipmesh/purchasing';
import { type CacheStore } from '@clipmesh/persistence';
import { type Log } from '@clipmesh/tracing';

export interface CacheSweeperDeps {
  readonly store: CacheStore;
  readonly logger: Pick<Log, 'info' | 'warn'>;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly limits: CacheLimits;
}

/**
 * Removes cache entries that are expired or over the size limit, every `intervalMs`. Keeps the files: the retention sweep
 * removes unreferenced ones.
 */
export function startCacheSweeper({ store, logger, clock, intervalMs, limits }: CacheSweeperDeps): Periodic {
  const sweep = async (): Promise<void> => {
    const removed = await sweepCache(store, clock.now(), limits);
    if (removed > 0) logger.info({ removed }, 'cache entries removed');
  };
  return every(intervalMs, sweep, {
    clock,
    onError: (error) => {
      logger.warn({ err: error }, 'cache sweep failed; it runs again after the interval');
    },
  });
}
