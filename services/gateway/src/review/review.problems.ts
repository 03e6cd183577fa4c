import { type GenerationState } from '@clipmesh/contracts';
import { ProblemError } from '../http/problems/problem.js';

/** The 409 of a change or an approval of a plan that does not wait for it. */
export function notReviewed({ status, approved, job }: GenerationState): ProblemError {
  return new ProblemError(
    409,
    'NOT_AWAITING_APPROVAL',
    'The plan does not wait for approval',
    `the generation is ${status}; ${reasonOf(approved, job)}`,
    { extensions: { retryable: false } },
  );
}

function reasonOf(approved: boolean | undefined, { review, draft }: GenerationState['job']): string {
  if (approved === true) return 'its plan is already approved';
  if (review === true) return 'only a plan that is awaiting_approval can be changed or approved';
  return draft === true
    ? 'a draft can be changed from its plan on, and approved when it is awaiting_approval'
    : 'it was created without "mode": "review" or "draft"';
}
