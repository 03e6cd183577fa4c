import { withTimeout } from '@clipmesh/contracts';
import { context } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, suppressTracing } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';

/** Receives spans of one trace as an OTLP JSON document. */
export type SpanSink = (traceId: string, otlpJson: Uint8Array) => Promise<void>;

export interface SpanExporterLimits {
  /** Maximum number of buffered spans without a sink. Beyond it, the oldest are dropped. Default: 2048. */
  readonly bufferedSpans: number;
  /** Maximum size of a document, bytes. Must be below the broker's message limit of 1 MB. Default: 900000. */
  readonly documentBytes: number;
  /** Timeout of the sink per document, ms. Default: 5000. */
  readonly sinkTimeoutMs: number;
}

export interface TraceDocument {
  readonly traceId: string;
  readonly spans: number;
  readonly otlpJson: Uint8Array;
}

const LIMITS: SpanExporterLimits = { bufferedSpans: 2048, documentBytes: 900_000, sinkTimeoutMs: 5000 };

/** Exports spans to a sink as OTLP JSON, grouped by trace. Buffers the newest spans while no sink is attached. */
export class StreamSpanExporter implements SpanExporter {
  private readonly limits: SpanExporterLimits;
  private readonly running = new Set<Promise<void>>();
  private sink: SpanSink | undefined;
  private waiting: ReadableSpan[] = [];
  private droppedSpans = 0;

  constructor(limits: Partial<SpanExporterLimits> = {}) {
    this.limits = { ...LIMITS, ...limits };
  }

  /** Spans dropped so far: full buffer, failed sink or oversized span. */
  get dropped(): number {
    return this.droppedSpans;
  }

  /** Spans in the buffer. */
  get buffered(): number {
    return this.waiting.length;
  }

  attach(sink: SpanSink): void {
    this.sink = sink;
    const { waiting } = this;
    this.waiting = [];
    // Failures are counted in `dropped`; no caller waits for the result.
    if (waiting.length > 0) this.send(sink, waiting, () => undefined);
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    if (this.sink !== undefined) {
      this.send(this.sink, spans, done);
      return;
    }
    this.waiting.push(...spans);
    const excess = this.waiting.length - this.limits.bufferedSpans;
    if (excess > 0) {
      this.waiting.splice(0, excess);
      this.droppedSpans += excess;
    }
    done({ code: ExportResultCode.SUCCESS });
  }

  /** Resolves when all exports so far have succeeded or failed, at most after the sink timeout. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.running);
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
  }

  private send(sink: SpanSink, spans: readonly ReadableSpan[], done: (result: ExportResult) => void): void {
    // Suppresses tracing, because spans of the sink itself would cause an endless loop.
    const work = context.with(suppressTracing(context.active()), () => this.deliver(sink, spans)).then(done);
    this.running.add(work);
    void work.finally(() => this.running.delete(work));
  }

  private async deliver(sink: SpanSink, spans: readonly ReadableSpan[]): Promise<ExportResult> {
    const { documents, oversized } = documentsOf(spans, this.limits.documentBytes);
    this.droppedSpans += oversized;
    const { sinkTimeoutMs } = this.limits;
    const outcomes = await Promise.allSettled(
      documents.map(({ traceId, otlpJson }) =>
        withTimeout(
          sinkTimeoutMs,
          () => sink(traceId, otlpJson),
          () => tooSlow(sinkTimeoutMs),
        ),
      ),
    );
    let failure: Error | undefined;
    outcomes.forEach((outcome, index) => {
      if (outcome.status === 'fulfilled') return;
      this.droppedSpans += documents[index]?.spans ?? 0;
      failure ??= outcome.reason instanceof Error ? outcome.reason : new Error(String(outcome.reason));
    });
    return failure === undefined
      ? { code: ExportResultCode.SUCCESS }
      : { code: ExportResultCode.FAILED, error: failure };
  }
}

/** Encodes spans as one OTLP JSON document per trace, or several to stay within `limitBytes`. `oversized`: number of dropped spans. */
export function documentsOf(
  spans: readonly ReadableSpan[],
  limitBytes: number,
): { documents: TraceDocument[]; oversized: number } {
  const byTrace = new Map<string, ReadableSpan[]>();
  for (const span of spans) {
    const { traceId } = span.spanContext();
    const group = byTrace.get(traceId);
    if (group === undefined) byTrace.set(traceId, [span]);
    else group.push(span);
  }
  const documents: TraceDocument[] = [];
  let oversized = 0;
  const add = (traceId: string, group: ReadableSpan[]): void => {
    const otlpJson = JsonTraceSerializer.serializeRequest(group);
    if (otlpJson === undefined) return;
    if (otlpJson.byteLength <= limitBytes) {
      documents.push({ traceId, spans: group.length, otlpJson });
    } else if (group.length === 1) {
      oversized += 1;
    } else {
      const middle = Math.ceil(group.length / 2);
      add(traceId, group.slice(0, middle));
      add(traceId, group.slice(middle));
    }
  };
  for (const [traceId, group] of byTrace) add(traceId, group);
  return { documents, oversized };
}

const tooSlow = (ms: number): Error => new Error(`the span sink took longer than ${ms} ms`);
