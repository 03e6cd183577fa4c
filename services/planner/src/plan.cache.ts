import { type Job } from '@clipmesh/contracts';
import { planShape } from '@clipmesh/pipeline';
import { cacheKey, type FlightParts, type ScopeOf, type Wish } from '@clipmesh/persistence';

/** What using an answer of the language model again needs. */
export interface PlanCache {
  readonly leases: FlightParts;
  /** Who sells, and where: what one provider wrote is not another's. */
  readonly provider: string;
  /** Generations of one scope share their answers. Undefined: all generations do. */
  readonly scopeOf: ScopeOf;
  /** Longest wait for the answer that another generation asks for, ms. */
  readonly timeoutMs: number;
}

/** Changes with the way in which a job becomes the model's question. */
const QUESTION_VERSION = 1;

/** The key of everything that the model is asked, within a scope: see {@link PlanCache.scopeOf}. */
export function planKey(provider: string, model: string, job: Job, scope?: string): string {
  const { prompt, durationSeconds, aspectRatio } = job;
  return cacheKey({
    kind: 'llm',
    version: QUESTION_VERSION,
    provider,
    model,
    scope,
    input: { prompt, durationSeconds, aspectRatio, shape: planShape(job) },
  });
}

export async function planCacheRequest(cache: PlanCache, model: string, generationId: string, job: Job): Promise<Wish> {
  const scope = await cache.scopeOf(generationId);
  return { key: planKey(cache.provider, model, job, scope), kind: 'llm', model, holder: `llm.${generationId}` };
}
