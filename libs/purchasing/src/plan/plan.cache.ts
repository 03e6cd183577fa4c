import { type Job, planShape } from '@clipmesh/contracts';
import { cacheKey } from '../cache/cache.rules.js';
import { type PurchaseCache } from '../cache/purchase.cache.js';
import { type LeaseRequest } from '../cache/single.flight.js';

export interface PlanCache extends PurchaseCache {
  /** The provider's name and URL. Plans of different providers are not shared. */
  readonly provider: string;
  /** Maximum wait for an answer that another generation buys, ms. */
  readonly timeoutMs: number;
}

/** Increase when the mapping from a job to the model's input changes. */
const INPUT_VERSION = 1;

/** The cache key of a plan: a hash of the model's whole input, within a scope ({@link PlanCache.scopeOf}). */
export function planKey(provider: string, model: string, job: Job, scope?: string): string {
  const { prompt, durationSeconds, aspectRatio } = job;
  return cacheKey({
    kind: 'llm',
    version: INPUT_VERSION,
    provider,
    model,
    scope,
    input: { prompt, durationSeconds, aspectRatio, shape: planShape(job) },
  });
}

export async function planCacheRequest(
  cache: PlanCache,
  model: string,
  generationId: string,
  job: Job,
): Promise<LeaseRequest> {
  const scope = await cache.scopeOf(generationId);
  return { key: planKey(cache.provider, model, job, scope), kind: 'llm', model, holder: `llm.${generationId}` };
}
