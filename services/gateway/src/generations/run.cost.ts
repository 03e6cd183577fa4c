import {
  type BudgetRules,
  estimate,
  type Estimate,
  type LlmTerms,
  type ModelTable,
  type PricedJob,
} from '@clipmesh/billing';
import { refuseLowCap, refuseUnpriced } from '../billing/budget.problems.js';

export interface CostDeps {
  readonly llm: LlmTerms;
  readonly models: ModelTable;
  /** Absent: no spending limit per owner. */
  readonly budget: BudgetRules | undefined;
}

/** The estimate of a job with `spentMicros` already spent. Throws a 422 or 402 when it does not fit the cap or budget. */
export function checkCost({ llm, models, budget }: CostDeps, job: PricedJob, spentMicros: number): Estimate {
  const estimated = estimate(job, llm, models);
  refuseUnpriced(estimated, llm.model, budget !== undefined || job.maxCostMicros !== undefined);
  refuseLowCap(spentMicros + estimated.lowMicros, job.maxCostMicros);
  return estimated;
}
