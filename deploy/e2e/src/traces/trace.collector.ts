import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { parseTrace, type Span, type Trace } from '@clipmesh/trace-analysis';
import { z } from 'zod';
import { eventually } from '../eventually.js';

const documentSchema = z.object({ resourceSpans: z.array(z.unknown()) });
const eventsSchema = z.array(
  z.object({
    scopeSpans: z.array(
      z.object({
        spans: z.array(z.object({ traceId: z.string(), events: z.array(z.object({ name: z.string() })).default([]) })),
      }),
    ),
  }),
);

/** An OTLP/HTTP collector in memory that receives what services send to `OTEL_EXPORTER_OTLP_ENDPOINT`. */
export class TraceCollector {
  private readonly resourceSpans: unknown[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<TraceCollector> {
    // Never close an idle connection here: a service may be about to use it, and a span would be lost.
    const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const document = documentSchema.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
        if (document.success) collector.resourceSpans.push(...document.data.resourceSpans);
        response.writeHead(document.success ? 200 : 400, { 'content-type': 'application/json' }).end('{}');
      });
    });
    const collector = new TraceCollector(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Waits until the trace has a span with the name `last` and the parent of every span. */
  complete(traceId: string, last: string, timeoutMs: number): Promise<Trace> {
    return eventually(`the whole trace ${traceId}`, timeoutMs, () => {
      const found = this.trace(traceId);
      if (found === undefined || !found.spans.some(({ name }) => name === last)) return undefined;
      const known = new Set(found.spans.map(({ id }) => id));
      return found.spans.every(({ parentId }) => parentId === undefined || known.has(parentId)) ? found : undefined;
    });
  }

  /** The received spans of a trace. */
  trace(traceId: string): Trace | undefined {
    return parseTrace({ resourceSpans: this.resourceSpans }).find((trace) => trace.traceId === traceId);
  }

  /** All received spans as text, to look for what must not be in one. */
  text(): string {
    return JSON.stringify(this.resourceSpans);
  }

  /** The names of the received span events of a trace. */
  eventNames(traceId: string): Set<string> {
    const spans = eventsSchema
      .parse(this.resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    return new Set(
      spans.filter((span) => span.traceId === traceId).flatMap(({ events }) => events.map(({ name }) => name)),
    );
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Attribute keys of the traces. */
export const KEYS = {
  scene: 'clipmesh.scene.index',
  worker: 'clipmesh.worker.id',
  attempt: 'clipmesh.attempt',
} as const;

export const named = (trace: Trace, name: string, service?: string): Span[] =>
  trace.spans.filter((span) => span.name === name && (service === undefined || span.service === service));

/**
 * The largest number of clips in flight at one time, counted by the purchase spans. The process spans overlap a little,
 * because a message is settled only after the event that starts the next scene is published.
 */
export function mostClipsAtOnce({ spans }: Trace): number {
  const edges = spans
    .filter(({ service, name }) => service === 'clip-generator' && name.startsWith('predict '))
    .flatMap(({ startUs, endUs }) => [
      { at: startUs, step: 1 },
      { at: endUs, step: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.step - b.step);
  let level = 0;
  return edges.reduce((most, { step }) => Math.max(most, (level += step)), 0);
}

/** Time from the first start to the last end, ms. */
export function stretchMs(spans: readonly Span[]): number {
  return (Math.max(...spans.map(({ endUs }) => endUs)) - Math.min(...spans.map(({ startUs }) => startUs))) / 1000;
}
