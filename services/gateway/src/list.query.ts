import { GENERATION_ID, GENERATION_STATUSES, type GenerationStatus } from '@clipmesh/contracts';
import { type FieldError } from './issue.text.js';
import { badFields, refuseUnknownParameters } from './problem.js';
import { didYouMean } from './suggestion.js';

export const PAGE = { default: 20, most: 100 } as const;

export interface ListQuery {
  readonly limit: number;
  readonly status?: GenerationStatus;
  readonly after?: string;
}

const isStatus = (text: unknown): text is GenerationStatus =>
  (GENERATION_STATUSES as readonly unknown[]).includes(text);

const isId = (text: unknown): text is string => typeof text === 'string' && GENERATION_ID.test(text);

/** The query of a list. A parameter given twice arrives as an array and is refused. Throws a 400 that names the parameter. */
export function parseListQuery(given: { status?: unknown; limit?: unknown; after?: unknown }): ListQuery {
  refuseUnknownParameters(given, ['status', 'limit', 'after']);
  const { status, limit, after } = given;
  const errors: FieldError[] = [];
  const count =
    limit === undefined ? PAGE.default : typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (status !== undefined && !isStatus(status)) {
    const meant = typeof status === 'string' ? didYouMean(status, GENERATION_STATUSES) : '';
    errors.push({ field: 'status', message: `one of ${GENERATION_STATUSES.join(', ')}${meant}` });
  }
  if (count < 1 || count > PAGE.most) errors.push({ field: 'limit', message: `a whole number from 1 to ${PAGE.most}` });
  if (after !== undefined && !isId(after))
    errors.push({ field: 'after', message: 'the id of the last generation of the page before' });
  if (errors.length > 0) throw badFields(errors);
  return {
    limit: count,
    ...(isStatus(status) ? { status } : {}),
    ...(isId(after) ? { after } : {}),
  };
}
