import { type BudgetRules, estimate, type Estimate, type LlmTerms } from '@clipmesh/billing';
import { type Job } from '@clipmesh/contracts';
import { refuseLowCap, refuseUnpriced } from '../billing/budget.problems.js';

export interface CostDeps {
  readonly llm: LlmTerms;
  /** Absent: no spending limit per owner. */
  readonly budget: BudgetRules | undefined;
}

/** The estimate of a job with `spentMicros` already spent. Throws a 422 or 402 when it does not fit the cap or budget. */
export function checkCost({ llm, budget }: CostDeps, job: Job, spentMicros: number): Estimate {
  const estimated = estimate(job, llm);
  refuseUnpriced(estimated, llm.model, budget !== undefined || job.maxCostMicros !== undefined);
  refuseLowCap(spentMicros + estimated.lowMicros, job.maxCostMicros);
  return estimated;
}
