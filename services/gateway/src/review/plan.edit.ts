import { type Plan, type PlanEdit } from '@clipmesh/contracts';
import { editPlan, PlanEditError, UndrawableTextError } from '@clipmesh/pipeline';
import { unicodeName } from 'unicode-name';
import { badRequest } from '../http/problems/problem.js';

/** The characters by code and name: `no font can draw U+13000 EGYPTIAN HIEROGLYPH A001`. */
function undrawable({ characters }: UndrawableTextError): string {
  const named = characters.map((character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `U+${code} ${unicodeName(character) ?? ''}`.trim();
  });
  return `no font can draw ${named.join(', ')}`;
}

/** Applies an edit to a plan. `fieldOf` maps the invalid field to its path in the request. Throws a 400. */
export function applyPlanEdit(plan: Plan, edit: PlanEdit, fieldOf: (field: string) => string = (field) => field): Plan {
  try {
    return editPlan(plan, edit);
  } catch (error) {
    if (!(error instanceof PlanEditError)) throw error;
    const field = fieldOf(error.field);
    throw badRequest(field, error instanceof UndrawableTextError ? undrawable(error) : error.message);
  }
}
