import {
  type GenerationRecord,
  type GenerationState,
  type Outgoing,
  retryOnConflict,
  type Versioned,
} from '@clipmesh/contracts';
import { type ModelTable } from '@clipmesh/billing';
import { decide } from '../director/director.js';
import { type DirectorEvent } from '../director/director.event.js';

/** The store that the director needs. `save` is a compare-and-set and throws `ConflictError`. */
export interface DirectedGenerations {
  get(id: string): Promise<Versioned<GenerationRecord> | undefined>;
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

/**
 * Loads the generation, decides, saves by compare-and-set, and then returns the messages to publish. Any replica can handle
 * any event. `now`: ms since the epoch. Returns undefined for an unknown generation. Throws `STORE_UNAVAILABLE` after too many
 * write conflicts with other replicas; the event is then redelivered.
 */
export async function direct(
  generations: DirectedGenerations,
  event: DirectorEvent,
  models: ModelTable,
  now: () => number,
): Promise<Directed | undefined> {
  const { generationId } = event.body;
  return retryOnConflict(`generation ${generationId}`, async () => {
    const found = await generations.get(generationId);
    if (found === undefined) return undefined;
    const { value: before, revision } = found;
    const { state, outgoing } = decide(before.state, event, models);
    if (state === before.state) return { outgoing };
    const after = {
      ...traced(before, state, event),
      updatedAt: new Date(now()).toISOString(),
      state,
    };
    await generations.save(after, revision);
    return { outgoing, change: { before, after } };
  });
}

/**
 * The record with the trace of its current run. A retry starts a new trace. So does an approval, to keep the time that the
 * user took to review the plan out of the measurement.
 */
function traced(
  record: GenerationRecord,
  { run, status }: GenerationState,
  { traceparent, traceId }: Pick<DirectorEvent, 'traceparent' | 'traceId'>,
): GenerationRecord {
  const { state: before } = record;
  const begins = run !== before.run || (before.status === 'awaiting_approval' && status === 'generating');
  if (!begins || traceparent === undefined || traceId === undefined || traceId === record.traceId) return record;
  return { ...record, traceId, traceparent, earlierTraceIds: [...(record.earlierTraceIds ?? []), record.traceId] };
}
