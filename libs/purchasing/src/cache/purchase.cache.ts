import { systemClock } from '@clipmesh/messaging';
import { type Stores } from '@clipmesh/persistence';
import { type Log } from '@clipmesh/tracing';
import { type CacheScope, cacheScope, type ScopeOf } from './cache.scope.js';
import { type LeaseDeps } from './single.flight.js';

/** The cache of what generations bought, shared by all replicas. */
export interface PurchaseCache {
  readonly leases: LeaseDeps;
  /** Generations of one scope share their results. Undefined: all generations share. */
  readonly scopeOf: ScopeOf;
}

/** Settings of the cache. Those of libs/config fit. */
export interface CacheSettings {
  readonly clipCache: boolean;
  readonly clipCacheScope: CacheScope;
  readonly cacheLeaseMs: number;
  readonly cacheTtlMs: number;
}

export interface CacheDeps {
  readonly stores: Pick<Stores, 'cache' | 'generations'>;
  readonly nudges: LeaseDeps['nudges'];
  readonly logger: Pick<Log, 'warn'>;
}

/** Opens the cache. Undefined: it is turned off, and everything is bought. */
export function openPurchaseCache(
  { clipCache, clipCacheScope, cacheLeaseMs, cacheTtlMs }: CacheSettings,
  { stores, nudges, logger }: CacheDeps,
): PurchaseCache | undefined {
  if (!clipCache) return undefined;
  return {
    scopeOf: cacheScope(clipCacheScope, stores.generations),
    leases: {
      store: stores.cache,
      clock: systemClock,
      nudges,
      leaseMs: cacheLeaseMs,
      ttlMs: cacheTtlMs,
      warn: (err, key, text) => {
        logger.warn({ err, cacheKey: key }, text);
      },
    },
  };
}
