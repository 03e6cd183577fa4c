import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';

/** Where spans of one trace go, as an OTLP JSON document. */
export type SpanSink = (traceId: string, otlpJson: Uint8Array) => Promise<void>;

/** Spans kept while no sink is attached; the oldest are dropped beyond it. */
const BUFFER_LIMIT = 2048;
/** Spans of one document: well below the broker's 1 MB for a message. */
const SPANS_PER_DOCUMENT = 200;

/** Groups spans by trace and hands each group to the sink as OTLP JSON. Without a sink it keeps the newest spans. */
export class SinkSpanExporter implements SpanExporter {
  private sink: SpanSink | undefined;
  private waiting: ReadableSpan[] = [];
  private pending: Promise<unknown> = Promise.resolve();
  /** Spans lost because nobody took them in time. */
  dropped = 0;

  attach(sink: SpanSink): void {
    this.sink = sink;
    const { waiting } = this;
    this.waiting = [];
    if (waiting.length > 0) this.pending = this.send(sink, waiting).catch(() => undefined);
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    if (this.sink === undefined) {
      this.waiting.push(...spans);
      const excess = this.waiting.length - BUFFER_LIMIT;
      if (excess > 0) {
        this.waiting.splice(0, excess);
        this.dropped += excess;
      }
      done({ code: ExportResultCode.SUCCESS });
      return;
    }
    this.pending = this.send(this.sink, spans).then(
      () => {
        done({ code: ExportResultCode.SUCCESS });
      },
      (error: unknown) => {
        this.dropped += spans.length;
        done({ code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) });
      },
    );
  }

  async forceFlush(): Promise<void> {
    await this.pending;
  }

  async shutdown(): Promise<void> {
    await this.pending;
  }

  private async send(sink: SpanSink, spans: readonly ReadableSpan[]): Promise<void> {
    await Promise.all(
      documentsOf(spans).map(async ({ traceId, group }) => {
        const document = JsonTraceSerializer.serializeRequest(group);
        if (document !== undefined) await sink(traceId, document);
      }),
    );
  }
}

/** Splits spans into groups of one trace and at most {@link SPANS_PER_DOCUMENT}. */
export function documentsOf(spans: readonly ReadableSpan[]): { traceId: string; group: ReadableSpan[] }[] {
  const byTrace = new Map<string, ReadableSpan[]>();
  for (const span of spans) {
    const { traceId } = span.spanContext();
    const group = byTrace.get(traceId);
    if (group === undefined) byTrace.set(traceId, [span]);
    else group.push(span);
  }
  return [...byTrace].flatMap(([traceId, group]) =>
    Array.from({ length: Math.ceil(group.length / SPANS_PER_DOCUMENT) }, (_, index) => ({
      traceId,
      group: group.slice(index * SPANS_PER_DOCUMENT, (index + 1) * SPANS_PER_DOCUMENT),
    })),
  );
}
