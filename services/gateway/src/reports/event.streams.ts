import { type GenerationRecord, isFinal } from '@clipmesh/contracts';
import { type EventsStart } from '@clipmesh/messaging';
import { type Response } from 'express';
import { type StreamedEvent, StreamLimit, streamEvents } from '../http/sse.js';

/** How long the stream of an ended generation waits for its next event, ms. The last events may no longer be kept. */
const IDLE_TIMEOUT_MS = 5000;

export interface EventStreamsDeps {
  /** Replays all events of a generation, then follows new ones until the signal aborts. */
  readonly events: (generationId: string, signal: AbortSignal) => AsyncIterable<StreamedEvent>;
  /** Whether every event since `start` is still stored. */
  readonly hasAllEvents: (start: EventsStart) => Promise<boolean>;
  readonly heartbeatMs: number;
  /** Maximum number of open streams per owner. */
  readonly perOwner: number;
}

/** The event streams of this gateway. */
export class EventStreams {
  private readonly limit: StreamLimit;

  constructor(private readonly deps: EventStreamsDeps) {
    this.limit = new StreamLimit(deps.perOwner);
  }

  /** Number of open streams, over all owners. */
  get open(): number {
    return this.limit.inUse;
  }

  /**
   * Streams the events of a generation after the ordinal `after`, until its last event or until the client disconnects. Throws
   * a 429 when its owner has too many open streams.
   */
  async serve(
    response: Response,
    { id, owner, state, createdAt, eventsAfter }: GenerationRecord,
    after: number | undefined,
  ): Promise<void> {
    const { events, hasAllEvents, heartbeatMs } = this.deps;
    const release = this.limit.acquire(owner);
    try {
      await streamEvents(response, {
        open: (signal) => events(id, signal),
        after,
        isNumbered: after === undefined || (await hasAllEvents({ after: eventsAfter, sinceMs: Date.parse(createdAt) })),
        run: state.run,
        ended: isFinal(state.status),
        heartbeatMs,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
      });
    } finally {
      release();
    }
  }
}
