import { GENERATION_ID, GENERATION_STATUSES, type GenerationStatus } from '@clipmesh/contracts';
import { type FieldError } from '../http/problems/issue.text.js';
import { badFields, refuseUnknownParameters } from '../http/problems/problem.js';
import { didYouMean } from '../http/problems/suggestion.js';

export const PAGE = { default: 20, max: 100 } as const;

export interface ListQuery {
  readonly limit: number;
  readonly status?: GenerationStatus;
  readonly after?: string;
}

const isStatus = (text: unknown): text is GenerationStatus =>
  (GENERATION_STATUSES as readonly unknown[]).includes(text);

const isId = (text: unknown): text is string => typeof text === 'string' && GENERATION_ID.test(text);

/** Parses a list query. Throws a 400 that names the invalid parameter; a repeated parameter is invalid. */
export function parseListQuery(given: { status?: unknown; limit?: unknown; after?: unknown }): ListQuery {
  refuseUnknownParameters(given, ['status', 'limit', 'after']);
  const { status, limit, after } = given;
  const errors: FieldError[] = [];
  const count =
    limit === undefined ? PAGE.default : typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (status !== undefined && !isStatus(status)) {
    const meant = typeof status === 'string' ? didYouMean(status, GENERATION_STATUSES) : '';
    errors.push({ field: 'status', message: `must be one of ${GENERATION_STATUSES.join(', ')}${meant}` });
  }
  if (count < 1 || count > PAGE.max)
    errors.push({ field: 'limit', message: `must be a whole number from 1 to ${PAGE.max}` });
  if (after !== undefined && !isId(after))
    errors.push({ field: 'after', message: 'must be the id of the last generation of the previous page' });
  if (errors.length > 0) throw badFields(errors);
  return {
    limit: count,
    ...(isStatus(status) ? { status } : {}),
    ...(isId(after) ? { after } : {}),
  };
}
