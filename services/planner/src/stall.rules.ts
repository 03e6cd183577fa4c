import { type GenerationRecord, isFinal, message, type Outgoing, StallNoticed } from '@clipmesh/contracts';

export interface StallRules {
  /** A generation without a message and without a change for this long has stalled, ms. */
  readonly stallAfterMs: number;
  /** How often lost work of one generation is sent again. */
  readonly maxRevivals: number;
}

/** The notice that a generation has stalled; undefined while something carries it on, or it waits for its user. */
export function noticeStall(
  { id, updatedAt, state, traceparent }: GenerationRecord,
  live: ReadonlySet<string>,
  nowMs: number,
  { stallAfterMs, maxRevivals }: StallRules,
): Outgoing | undefined {
  const idleMs = nowMs - Date.parse(updatedAt);
  if (isFinal(state.status) || state.status === 'awaiting_approval') return undefined;
  if (live.has(id) || idleMs < stallAfterMs) return undefined;
  const notice = message(StallNoticed, {
    generationId: id,
    at: new Date(nowMs).toISOString(),
    charges: [],
    revival: state.revivals + 1,
    idleMs,
    revive: state.revivals < maxRevivals,
  });
  // What is sent again belongs to the generation's trace, not to the sweeper.
  return traceparent === undefined ? notice : { ...notice, parent: traceparent };
}
