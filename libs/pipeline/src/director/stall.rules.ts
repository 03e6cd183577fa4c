import {
  CancelRequested,
  type GenerationRecord,
  isFinal,
  message,
  type Outgoing,
  StallNoticed,
} from '@clipmesh/contracts';
import { isReviewed } from '../plan/plan.review.js';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface StallRules {
  /** A generation without a message and a change for this long has stalled, ms. */
  readonly stallAfterMs: number;
  /** How often the lost work of one generation is sent again. */
  readonly maxRevivals: number;
  /** A generation whose plan is not approved for this long is canceled, ms. */
  readonly approvalMs: number;
}

/**
 * The notice of a stalled generation, or the cancel of one whose plan was not approved in time; undefined for a generation
 * that makes progress or may still wait.
 */
export function noticeStall(
  { id, updatedAt, state, traceparent }: GenerationRecord,
  live: ReadonlySet<string>,
  nowMs: number,
  { stallAfterMs, maxRevivals, approvalMs }: StallRules,
): Outgoing | undefined {
  const idleMs = nowMs - Date.parse(updatedAt);
  if (isFinal(state.status)) return undefined;
  if (isReviewed(state)) {
    if (idleMs < approvalMs) return undefined;
    const reason = `the plan was not approved within ${approvalMs / DAY_MS} days`;
    return message(CancelRequested, { generationId: id, at: new Date(nowMs).toISOString(), charges: [], reason });
  }
  if (live.has(id) || idleMs < stallAfterMs) return undefined;
  const notice = message(StallNoticed, {
    generationId: id,
    at: new Date(nowMs).toISOString(),
    charges: [],
    revival: state.revivals + 1,
    idleMs,
    revive: state.revivals < maxRevivals,
  });
  // Work that is sent again belongs to the generation's trace, not to the sweeper's.
  return traceparent === undefined ? notice : { ...notice, parent: traceparent };
}
