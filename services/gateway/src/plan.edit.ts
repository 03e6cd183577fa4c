import { type Plan, type PlanEdit } from '@clipmesh/contracts';
import { editPlan, PlanEditError } from '@clipmesh/pipeline';
import { badRequest } from './problem.js';

/** The plan with an edit. Throws a 400; `fieldOf` says where the request has the field that is wrong. */
export function applyPlanEdit(plan: Plan, edit: PlanEdit, fieldOf: (field: string) => string = (field) => field): Plan {
  try {
    return editPlan(plan, edit);
  } catch (error) {
    if (!(error instanceof PlanEditError)) throw error;
    const field = fieldOf(error.field);
    throw badRequest(field, error.message);
  }
}
