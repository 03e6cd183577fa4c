import { type Response } from 'express';

export interface StreamedEvent {
  readonly sequence: number;
  readonly name: string;
  readonly body: unknown;
}

const FINAL = new Set(['generation.succeeded', 'generation.failed', 'generation.canceled']);

/** One server-sent event. `id` is the stream sequence: what `Last-Event-ID` brings back. */
export function formatEvent({ sequence, name, body }: StreamedEvent): string {
  return `id: ${sequence}\nevent: ${name}\ndata: ${JSON.stringify(body)}\n\n`;
}

/** Replays and follows a generation's events until its last one, or until the client goes. */
export async function streamEvents(
  response: Response,
  open: (signal: AbortSignal) => AsyncIterable<StreamedEvent>,
  heartbeatMs: number,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => {
    gone.abort();
  });
  response
    .status(200)
    .set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' });
  response.flushHeaders();
  const heartbeat = setInterval(() => {
    response.write(': keep-alive\n\n');
  }, heartbeatMs);
  try {
    for await (const event of open(gone.signal)) {
      const flowing = response.write(formatEvent(event));
      if (FINAL.has(event.name)) break;
      if (!flowing && !gone.signal.aborted) {
        await new Promise<void>((resolve) => {
          response.once('drain', resolve);
          response.once('close', resolve);
        });
      }
    }
  } finally {
    clearInterval(heartbeat);
    gone.abort();
    response.end();
  }
}
