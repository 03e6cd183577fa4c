import { ClipmeshError, type GenerationRecord, type GenerationState, type Outgoing } from '@clipmesh/contracts';
import { decide } from '../director/director.js';
import { type DirectorEvent } from '../director/director.event.js';

/** The store that the director needs. `save` rejects with `code` `CONFLICT` when the revision is not the current one. */
export interface DirectedGenerations {
  get(id: string): Promise<{ readonly value: GenerationRecord; readonly revision: string } | undefined>;
  save(record: GenerationRecord, revision: string): Promise<unknown>;
}

/** A saved change of a record. */
export interface RecordChange {
  readonly before: GenerationRecord;
  readonly after: GenerationRecord;
}

export interface Directed {
  /** To publish, in order. */
  readonly outgoing: readonly Outgoing[];
  /** Absent: the event changed nothing. */
  readonly change?: RecordChange;
}

/** Maximum write conflicts with other replicas for one event. After them the message is redelivered. */
const MAX_CONFLICTS = 20;

/**
 * Loads the generation, decides, saves by compare-and-set, and then returns the messages to publish. Any replica can handle
 * any event. `now`: ms since the epoch. Returns undefined for an unknown generation. Throws `STORE_UNAVAILABLE` after 20 write
 * conflicts.
 */
export async function direct(
  generations: DirectedGenerations,
  event: DirectorEvent,
  now: () => number,
): Promise<Directed | undefined> {
  const { generationId } = event.body;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const found = await generations.get(generationId);
    if (found === undefined) return undefined;
    const { value: before, revision } = found;
    const { state, outgoing } = decide(before.state, event);
    if (state === before.state) return { outgoing };
    const after = {
      ...traced(before, state, event.traceparent),
      updatedAt: new Date(now()).toISOString(),
      state,
    };
    try {
      await generations.save(after, revision);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'CONFLICT') continue;
      throw error;
    }
    return { outgoing, change: { before, after } };
  }
  throw new ClipmeshError(
    'STORE_UNAVAILABLE',
    `generation ${generationId} had ${MAX_CONFLICTS} write conflicts in a row`,
  );
}

/**
 * The record with the trace of its current run. A retry starts a new trace. So does an approval, to keep the time that the
 * user took to review the plan out of the measurement.
 */
function traced(
  record: GenerationRecord,
  { run, status }: GenerationState,
  traceparent: string | undefined,
): GenerationRecord {
  const { state: before } = record;
  const traceId = traceparent?.split('-')[1];
  const begins = run !== before.run || (before.status === 'awaiting_approval' && status === 'generating');
  if (!begins || traceparent === undefined || traceId === undefined || traceId === record.traceId) return record;
  return { ...record, traceId, traceparent, earlierTraceIds: [...(record.earlierTraceIds ?? []), record.traceId] };
}
