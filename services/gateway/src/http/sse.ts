import { type Response } from 'express';
import { OwnerLimit } from './owner.limit.js';
import { ProblemError } from './problems/problem.js';

export interface StreamedEvent {
  readonly name: string;
  readonly body: unknown;
  /** Number of the generation's events stored after this one, at the time of reading. */
  readonly pending: number;
}

const FINAL = new Set(['generation.succeeded', 'generation.failed', 'generation.canceled']);

/** Events that start another run. */
const RUN_STARTS = new Set(['retry.requested', 'scene.reopened']);

/**
 * Formats a server-sent event. Its `id` is its ordinal among the generation's events, 1, 2, …: the same at every replica and
 * after every reconnect, and it does not reveal the traffic of others.
 */
export function formatEvent(ordinal: number, { name, body }: Pick<StreamedEvent, 'name' | 'body'>): string {
  return `id: ${ordinal}\nevent: ${name}\ndata: ${JSON.stringify(body)}\n\n`;
}

/** Whether the event ends run `run` or a later one. The end of an earlier run was followed by another run. */
export function endsRun({ name, body }: Pick<StreamedEvent, 'name' | 'body'>, run: number): boolean {
  if (!FINAL.has(name)) return false;
  const ended = typeof body === 'object' && body !== null && 'run' in body ? body.run : undefined;
  return typeof ended !== 'number' || ended >= run;
}

/** Limits the open event streams per owner: each is a connection and a consumer of the broker. */
export class StreamLimit extends OwnerLimit {
  constructor(perOwner: number) {
    super(
      perOwner,
      (inUse) =>
        new ProblemError(
          429,
          'TOO_MANY_STREAMS',
          'Too many event streams are open',
          `you have ${inUse} open event streams, the maximum (SSE_STREAMS); close one first`,
          { extensions: { retryable: true }, headers: { 'Retry-After': '5' } },
        ),
    );
  }
}

export interface StreamOptions {
  /** Replays all events of the generation, then follows new ones. */
  readonly open: (signal: AbortSignal) => AsyncIterable<StreamedEvent>;
  /** `Last-Event-ID`: the client has the events up to this ordinal. Default: none. */
  readonly after: number | undefined;
  /** False: the first events may have been removed since the client got `after`, so ordinals may have changed. */
  readonly isNumbered: boolean;
  /** The stream ends with this run. */
  readonly run: number;
  /** The generation has ended: the stream only replays. */
  readonly ended: boolean;
  readonly heartbeatMs: number;
  /** A stream of an ended generation ends after this long without an event, ms. Its last events may no longer be kept. */
  readonly idleTimeoutMs: number;
}

/** Sets the status and headers. A HEAD response has nothing more. */
export function startStream(response: Response): Response {
  return response
    .status(200)
    .set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' });
}

/**
 * Replays and follows a generation's events until its last event, or until the client disconnects. The end of a run is the
 * last event only if no other run starts after it: the record may not show a requested retry yet. A client that already has
 * the last event gets a 204, so that an EventSource stops. An unknown id replays everything.
 */
export async function streamEvents(response: Response, options: StreamOptions): Promise<void> {
  // The client has disconnected: `close` was emitted before and will not be emitted again.
  if (response.destroyed) return;
  const closed = new AbortController();
  const stop = (): void => {
    closed.abort();
  };
  response.on('close', stop);
  const stream = new Stream(response, options, closed);
  try {
    await stream.follow();
  } finally {
    stream.end();
    response.off('close', stop);
    stop();
    if (stream.hasStarted) response.end();
    else response.status(204).end();
  }
}

class Stream {
  private heartbeat: NodeJS.Timeout | undefined;
  private idleTimer: NodeJS.Timeout | undefined;

  /** The headers are sent: the response is a 200. */
  hasStarted = false;

  constructor(
    private readonly response: Response,
    private readonly options: StreamOptions,
    private readonly closed: AbortController,
  ) {
    if (!options.ended) this.start();
  }

  async follow(): Promise<void> {
    const { open, run, after = 0, ended, isNumbered } = this.options;
    if (ended) this.startIdleTimer();
    let ordinal = 0;
    let from = 0;
    /** Hold events back until it is known whether the client has the last event. */
    let isBuffering = false;
    let buffer: string[] = [];
    /** Ordinal of the event that ended the run, unless another run has started since. */
    let last: number | undefined;
    for await (const event of open(this.closed.signal)) {
      ordinal += 1;
      this.idleTimer?.refresh();
      if (ordinal === 1) {
        const isKnownId = after > 0 && after <= 1 + event.pending;
        from = isKnownId && isNumbered ? after : 0;
        isBuffering = isKnownId && ended;
      }
      if (endsRun(event, run)) {
        last = ordinal;
        if (this.idleTimer === undefined) this.startIdleTimer();
      }
      if (RUN_STARTS.has(event.name)) {
        last = undefined;
        this.stopIdleTimer();
      }
      if (ordinal > from) buffer.push(formatEvent(ordinal, event));
      if (event.pending === 0) {
        if (isBuffering && last !== undefined && after >= last) return;
        isBuffering = false;
        this.start();
      }
      if (!isBuffering) {
        await this.send(buffer);
        buffer = [];
      }
      if ((last !== undefined && event.pending === 0) || this.closed.signal.aborted) return;
    }
  }

  end(): void {
    clearInterval(this.heartbeat);
    this.stopIdleTimer();
  }

  private start(): void {
    if (this.hasStarted) return;
    this.hasStarted = true;
    startStream(this.response).flushHeaders();
    this.heartbeat = setInterval(() => {
      if (!this.response.writableNeedDrain) this.response.write(': keep-alive\n\n');
    }, this.options.heartbeatMs);
  }

  private async send(events: readonly string[]): Promise<void> {
    if (events.length === 0) return;
    this.start();
    for (const event of events) {
      const flowing = this.response.write(event);
      if (!flowing && !this.closed.signal.aborted) await drained(this.response);
    }
  }

  private startIdleTimer(): void {
    this.stopIdleTimer();
    this.idleTimer = setTimeout(() => {
      this.closed.abort();
    }, this.options.idleTimeoutMs);
  }

  private stopIdleTimer(): void {
    clearTimeout(this.idleTimer);
    this.idleTimer = undefined;
  }
}

/** Resolves when the client has read the buffered data, or has disconnected. */
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
