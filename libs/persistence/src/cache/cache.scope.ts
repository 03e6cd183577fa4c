import { type GenerationStore } from '../ports.js';

export const CACHE_SCOPES = ['owner', 'shared'] as const;
export type CacheScope = (typeof CACHE_SCOPES)[number];

/** Part of a cache key: only generations of one scope share entries. Undefined: all of them do. */
export type ScopeOf = (generationId: string) => Promise<string | undefined>;

/**
 * Scopes by owner, or none. A generation whose record is gone has a scope of its own: nothing says whose entries it may use.
 * Throws `STORE_UNAVAILABLE`.
 */
export function cacheScope(scope: CacheScope, generations: Pick<GenerationStore, 'get'>): ScopeOf {
  if (scope === 'shared') return () => Promise.resolve(undefined);
  return async (generationId) => {
    const record = (await generations.get(generationId))?.value;
    return record === undefined ? `generation:${generationId}` : `owner:${record.owner}`;
  };
}
