import { type Plan, type PlanEdit } from '@clipmesh/contracts';
import { editPlan, PlanEditError } from '@clipmesh/pipeline';
import { badRequest } from '../http/problems/problem.js';

/** Applies an edit to a plan. `fieldOf` maps the invalid field to its path in the request. Throws a 400. */
export function applyPlanEdit(plan: Plan, edit: PlanEdit, fieldOf: (field: string) => string = (field) => field): Plan {
  try {
    return editPlan(plan, edit);
  } catch (error) {
    if (!(error instanceof PlanEditError)) throw error;
    const field = fieldOf(error.field);
    throw badRequest(field, error.message);
  }
}
