import { systemClock } from '@clipmesh/messaging';
import { type CacheStore } from '@clipmesh/persistence';
import { type PurchaseCache } from '../src/cache/purchase.cache.js';

/** The id of the nth generation. */
export const idOf = (n: number): string => `gen_${n.toString(16).padStart(32, '0')}`;

/** A cache whose nudges arrive at once. `scopeOf`: the scope of a generation. Undefined: it shares with all such ones. */
export function cacheOf(store: CacheStore, scopeOf: (id: string) => string | undefined): PurchaseCache {
  const listeners = new Set<() => void>();
  return {
    scopeOf: (id) => Promise.resolve(scopeOf(id)),
    leases: {
      store,
      clock: systemClock,
      nudges: {
        on: (_key, callback) => {
          listeners.add(callback);
          return () => listeners.delete(callback);
        },
        notify: () => {
          for (const callback of [...listeners]) callback();
        },
      },
      leaseMs: 60_000,
      ttlMs: 1e9,
      warn: () => undefined,
    },
  };
}
