import { type Job } from '@clipmesh/contracts';
import { planShape } from '@clipmesh/pipeline';
import { cacheKey, type FlightParts, type Wish } from '@clipmesh/persistence';

/** What using an answer of the language model again needs. */
export interface PlanCache {
  readonly flights: FlightParts;
  /** Who sells, and where: what one provider wrote is not another's. */
  readonly provider: string;
  /** Longest wait for the answer that another generation asks for, ms. */
  readonly timeoutMs: number;
}

/** Changes with the way in which a job becomes the model's question. */
const QUESTION_VERSION = 1;

/** The key of everything that the model is told. */
export function planKey(provider: string, model: string, job: Job): string {
  const { prompt, durationSeconds, aspectRatio } = job;
  return cacheKey({
    kind: 'llm',
    version: QUESTION_VERSION,
    provider,
    model,
    input: { prompt, durationSeconds, aspectRatio, shape: planShape(job) },
  });
}

export function planWish(cache: PlanCache, model: string, generationId: string, job: Job): Wish {
  return { key: planKey(cache.provider, model, job), kind: 'llm', model, holder: `llm.${generationId}` };
}
