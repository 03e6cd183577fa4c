import { type CacheStore, ConflictError } from '../ports.js';
import { type CacheLimits, toEvict } from './cache.rules.js';

/** Removes entries that are past their time or over the size limit; says how many. Any number may sweep at once. */
export async function sweepCache(store: CacheStore, nowMs: number, limits: CacheLimits): Promise<number> {
  let removed = 0;
  for (const { value, revision } of toEvict(await store.all(), nowMs, limits)) {
    try {
      await store.remove(value.key, revision);
      removed += 1;
    } catch (error) {
      // Used, or removed, meanwhile.
      if (!(error instanceof ConflictError)) throw error;
    }
  }
  return removed;
}
