import { type Response } from 'express';
import { OwnerLimit } from './owner.places.js';
import { ProblemError } from './problem.js';

export interface StreamedEvent {
  readonly name: string;
  readonly body: unknown;
  /** So many of the generation's events were stored after this one when it was read. */
  readonly pending: number;
}

const FINAL = new Set(['generation.succeeded', 'generation.failed', 'generation.canceled']);

/** What begins another run. */
const RUN_STARTS = new Set(['retry.requested', 'scene.reopened']);

/**
 * One server-sent event. `id` is its ordinal among the generation's events, 1, 2, …: the same at every replica and after
 * every reconnect, and nothing that shows how much others do.
 */
export function formatEvent(ordinal: number, { name, body }: Pick<StreamedEvent, 'name' | 'body'>): string {
  return `id: ${ordinal}\nevent: ${name}\ndata: ${JSON.stringify(body)}\n\n`;
}

/** Whether the event ends run `run` of its generation or a later one: an earlier run's end was followed by a retry. */
export function endsRun({ name, body }: Pick<StreamedEvent, 'name' | 'body'>, run: number): boolean {
  if (!FINAL.has(name)) return false;
  const told = typeof body === 'object' && body !== null && 'run' in body ? body.run : undefined;
  return typeof told !== 'number' || told >= run;
}

/** The event streams that are open here, by owner: each is a connection and a consumer of the broker. */
export class StreamLimit extends OwnerLimit {
  constructor(perOwner: number) {
    super(
      perOwner,
      (open) =>
        new ProblemError(
          429,
          'TOO_MANY_STREAMS',
          'Too many event streams are open',
          `${open} event streams are open, and no more are allowed (SSE_STREAMS); close one first`,
          { extensions: { retryable: true }, headers: { 'Retry-After': '5' } },
        ),
    );
  }
}

export interface StreamOptions {
  /** All events of the generation from its first on, then those to come. */
  readonly open: (signal: AbortSignal) => AsyncIterable<StreamedEvent>;
  /** `Last-Event-ID`: the client has the events up to this ordinal. */
  readonly after: number | undefined;
  /** False: the first events may have been removed since `after` was given out, so that ordinals may have moved. */
  readonly isNumbered: boolean;
  /** The run whose end ends the stream. */
  readonly run: number;
  /** The generation has ended, so that nothing but its past is to be expected. */
  readonly ended: boolean;
  readonly heartbeatMs: number;
  /** A stream of an ended generation is over after this long without an event: its last ones are no longer kept. */
  readonly idleTimeoutMs: number;
}

/** The answer's head; of a HEAD that is all. */
export function startStream(response: Response): Response {
  return response
    .status(200)
    .set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' });
}

/**
 * Replays and follows a generation's events until its last one, or until the client goes. The end of a run is the last only
 * where no other run begins after it: a retry may have been requested that no record shows yet. A client that has the last
 * event gets a 204, so that an EventSource stops. An id that was never given out replays everything.
 */
export async function streamEvents(response: Response, options: StreamOptions): Promise<void> {
  // A client that is gone has emitted its `close` already, and never will again.
  if (response.destroyed) return;
  const gone = new AbortController();
  const stop = (): void => {
    gone.abort();
  };
  response.on('close', stop);
  const stream = new Stream(response, options, gone);
  try {
    await stream.follow();
  } finally {
    stream.end();
    response.off('close', stop);
    stop();
    if (stream.hasBegun) response.end();
    else response.status(204).end();
  }
}

class Stream {
  private heartbeat: NodeJS.Timeout | undefined;
  private quiet: NodeJS.Timeout | undefined;

  /** The head is sent: from here on it is a 200. */
  hasBegun = false;

  constructor(
    private readonly response: Response,
    private readonly options: StreamOptions,
    private readonly gone: AbortController,
  ) {
    if (!options.ended) this.begin();
  }

  async follow(): Promise<void> {
    const { open, run, after = 0, ended, isNumbered } = this.options;
    if (ended) this.wait();
    let ordinal = 0;
    let from = 0;
    /** Nothing is sent before it is known whether the client has the last event. */
    let holding = false;
    let held: string[] = [];
    /** Ordinal of the event that ended the run, while no other run has begun since. */
    let last: number | undefined;
    for await (const event of open(this.gone.signal)) {
      ordinal += 1;
      this.quiet?.refresh();
      if (ordinal === 1) {
        const wasGivenOut = after > 0 && after <= 1 + event.pending;
        from = wasGivenOut && isNumbered ? after : 0;
        holding = wasGivenOut && ended;
      }
      if (endsRun(event, run)) {
        last = ordinal;
        if (this.quiet === undefined) this.wait();
      }
      if (RUN_STARTS.has(event.name)) {
        last = undefined;
        this.rest();
      }
      if (ordinal > from) held.push(formatEvent(ordinal, event));
      if (event.pending === 0) {
        if (holding && last !== undefined && after >= last) return;
        holding = false;
        this.begin();
      }
      if (!holding) {
        await this.send(held);
        held = [];
      }
      if ((last !== undefined && event.pending === 0) || this.gone.signal.aborted) return;
    }
  }

  end(): void {
    clearInterval(this.heartbeat);
    this.rest();
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    startStream(this.response).flushHeaders();
    this.heartbeat = setInterval(() => {
      if (!this.response.writableNeedDrain) this.response.write(': keep-alive\n\n');
    }, this.options.heartbeatMs);
  }

  private async send(events: readonly string[]): Promise<void> {
    if (events.length === 0) return;
    this.begin();
    for (const event of events) {
      const flowing = this.response.write(event);
      if (!flowing && !this.gone.signal.aborted) await drained(this.response);
    }
  }

  private wait(): void {
    this.rest();
    this.quiet = setTimeout(() => {
      this.gone.abort();
    }, this.options.idleTimeoutMs);
  }

  private rest(): void {
    clearTimeout(this.quiet);
    this.quiet = undefined;
  }
}

/** Until the client has read, or has gone. */
async function drained(response: Response): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
