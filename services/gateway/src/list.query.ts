import { GENERATION_ID, GENERATION_STATUSES, type GenerationStatus } from '@clipmesh/contracts';
import { badRequest, refuseUnknownParameters } from './problem.js';

export const PAGE = { default: 20, most: 100 } as const;

export interface ListQuery {
  readonly limit: number;
  readonly status?: GenerationStatus;
  readonly after?: string;
}

const isStatus = (text: unknown): text is GenerationStatus =>
  (GENERATION_STATUSES as readonly unknown[]).includes(text);

/** The query of a list. A parameter given twice arrives as an array and is refused. Throws a 400 that names the parameter. */
export function parseListQuery(given: { status?: unknown; limit?: unknown; after?: unknown }): ListQuery {
  refuseUnknownParameters(given, ['status', 'limit', 'after']);
  const { status, limit, after } = given;
  if (status !== undefined && !isStatus(status)) throw badRequest(`status: one of ${GENERATION_STATUSES.join(', ')}`);
  const count =
    limit === undefined ? PAGE.default : typeof limit === 'string' && /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > PAGE.most) throw badRequest(`limit: a whole number from 1 to ${PAGE.most}`);
  if (after !== undefined && !(typeof after === 'string' && GENERATION_ID.test(after)))
    throw badRequest('after: the id of the last generation of the page before');
  return { limit: count, ...(status === undefined ? {} : { status }), ...(after === undefined ? {} : { after }) };
}
