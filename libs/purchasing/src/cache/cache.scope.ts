import { type GenerationStore } from '@clipmesh/persistence';

export type CacheScope = 'owner' | 'shared';

/** Returns the scope part of a cache key. Generations share entries within a scope. Undefined: all share. */
export type ScopeOf = (generationId: string) => Promise<string | undefined>;

/**
 * Scopes by owner, or no scopes. A generation without a record has its own scope, because its owner is unknown.
 * Throws `STORE_UNAVAILABLE`.
 */
export function cacheScope(scope: CacheScope, generations: Pick<GenerationStore, 'get'>): ScopeOf {
  if (scope === 'shared') return () => Promise.resolve(undefined);
  return async (generationId) => {
    const record = (await generations.get(generationId))?.value;
    return record === undefined ? `generation:${generationId}` : `owner:${record.owner}`;
  };
}
