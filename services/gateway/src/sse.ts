import { type Response } from 'express';
import { ProblemError } from './problem.js';

export interface StreamedEvent {
  readonly sequence: number;
  readonly name: string;
  readonly body: unknown;
  /** So many of the generation's events were stored after this one when it was read. */
  readonly pending: number;
}

const FINAL = new Set(['generation.succeeded', 'generation.failed', 'generation.canceled']);

/** What begins another run. */
const BEGINNINGS = new Set(['retry.requested', 'scene.reopened']);

/** One server-sent event. `id` is the stream sequence: what `Last-Event-ID` brings back. */
export function formatEvent({ sequence, name, body }: Omit<StreamedEvent, 'pending'>): string {
  return `id: ${sequence}\nevent: ${name}\ndata: ${JSON.stringify(body)}\n\n`;
}

/** Whether the event ends run `run` of its generation or a later one: an earlier run's end was followed by a retry. */
export function endsRun({ name, body }: Pick<StreamedEvent, 'name' | 'body'>, run: number): boolean {
  if (!FINAL.has(name)) return false;
  const told = typeof body === 'object' && body !== null && 'run' in body ? body.run : undefined;
  return typeof told !== 'number' || told >= run;
}

/** The event streams that are open here, by owner: each is a connection and a consumer of the broker. */
export class StreamPlaces {
  private readonly taken = new Map<string, number>();

  constructor(private readonly perOwner: number) {}

  /** How many are open, of all owners. */
  get open(): number {
    return [...this.taken.values()].reduce((sum, open) => sum + open, 0);
  }

  /** Takes a place and gives back how to leave it; throws a 429 when the owner has none left. */
  take(owner: string): () => void {
    const open = this.taken.get(owner) ?? 0;
    if (open >= this.perOwner)
      throw new ProblemError(
        429,
        'TOO_MANY_STREAMS',
        'Too many event streams are open',
        `${open} event streams are open, and no more are allowed (SSE_STREAMS); close one first`,
        { extensions: { retryable: true }, headers: { 'Retry-After': '5' } },
      );
    this.taken.set(owner, open + 1);
    return () => {
      const left = (this.taken.get(owner) ?? 1) - 1;
      if (left > 0) this.taken.set(owner, left);
      else this.taken.delete(owner);
    };
  }
}

export interface StreamOptions {
  readonly open: (afterSequence: number | undefined, signal: AbortSignal) => AsyncIterable<StreamedEvent>;
  /** `Last-Event-ID`. */
  readonly after: number | undefined;
  /** The run whose end ends the stream. */
  readonly run: number;
  /** The generation has ended, so that nothing but its past is to be expected. */
  readonly ended: boolean;
  readonly heartbeatMs: number;
  /** A stream of an ended generation is over after this long without an event: its last ones are no longer kept. */
  readonly quietMs: number;
}

/** The answer's head; of a HEAD that is all. */
export function startStream(response: Response): Response {
  return response
    .status(200)
    .set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' });
}

/**
 * Replays and follows a generation's events until its last one, or until the client goes. The end of a run is the last only
 * where nothing is stored after it: a retry may have been asked for that no record shows yet.
 */
export async function streamEvents(response: Response, options: StreamOptions): Promise<void> {
  const { after, run, ended } = options;
  // It has told of its end already, and never will again.
  if (response.destroyed) return;
  const gone = new AbortController();
  const stop = (): void => {
    gone.abort();
  };
  response.on('close', stop);
  startStream(response).flushHeaders();
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': keep-alive\n\n');
  }, options.heartbeatMs);
  let quiet = ended ? setTimeout(stop, options.quietMs) : undefined;
  let over = false;
  try {
    // Past an end only the replay from the start is sure to meet it; what the client has is left out.
    for await (const event of options.open(ended ? undefined : after, gone.signal)) {
      quiet?.refresh();
      if (after === undefined || event.sequence > after) {
        const flowing = response.write(formatEvent(event));
        if (!flowing && !gone.signal.aborted) await drained(response);
      }
      if (endsRun(event, run)) {
        over = true;
        quiet ??= setTimeout(stop, options.quietMs);
      }
      if (BEGINNINGS.has(event.name)) {
        over = false;
        clearTimeout(quiet);
        quiet = undefined;
      }
      if ((over && event.pending === 0) || gone.signal.aborted) break;
    }
  } finally {
    clearInterval(heartbeat);
    clearTimeout(quiet);
    response.off('close', stop);
    stop();
    response.end();
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
