import { type CacheStore, ConflictError } from '@clipmesh/persistence';
import { type CacheLimits, toEvict } from './cache.rules.js';

/** Evicts entries that are expired or over the size limit. Returns their number. Safe to run concurrently. */
export async function sweepCache(store: CacheStore, nowMs: number, limits: CacheLimits): Promise<number> {
  let removed = 0;
  for (const { value, revision } of toEvict(await store.all(), nowMs, limits)) {
    try {
      await store.remove(value.key, revision);
      removed += 1;
    } catch (error) {
      // The entry was used or removed concurrently.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
  return removed;
}
