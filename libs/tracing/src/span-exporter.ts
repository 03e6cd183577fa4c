import { context } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, suppressTracing } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';

/** Where spans of one trace go, as an OTLP JSON document. */
export type SpanSink = (traceId: string, otlpJson: Uint8Array) => Promise<void>;

export interface SpanExporterLimits {
  /** Spans kept while no sink is attached; the oldest are dropped beyond it. Default 2048. */
  readonly bufferedSpans: number;
  /** Largest document, bytes. Default 900 000: below the broker's 1 MB for a message, headers included. */
  readonly documentBytes: number;
  /** A sink that has not taken a document after this long has failed, ms. Default 5000. */
  readonly sinkTimeoutMs: number;
}

export interface TraceDocument {
  readonly traceId: string;
  readonly spans: number;
  readonly otlpJson: Uint8Array;
}

const LIMITS: SpanExporterLimits = { bufferedSpans: 2048, documentBytes: 900_000, sinkTimeoutMs: 5000 };

/** Groups spans by trace and hands each group to the sink as OTLP JSON. Without a sink it keeps the newest spans. */
export class StreamSpanExporter implements SpanExporter {
  private readonly limits: SpanExporterLimits;
  private readonly running = new Set<Promise<void>>();
  private sink: SpanSink | undefined;
  private waiting: ReadableSpan[] = [];
  private lost = 0;

  constructor(limits: Partial<SpanExporterLimits> = {}) {
    this.limits = { ...LIMITS, ...limits };
  }

  /** Spans lost so far: the buffer was full, the sink failed, or one span alone was too large. */
  get dropped(): number {
    return this.lost;
  }

  /** Spans that wait for a sink. */
  get buffered(): number {
    return this.waiting.length;
  }

  attach(sink: SpanSink): void {
    this.sink = sink;
    const { waiting } = this;
    this.waiting = [];
    // What fails here is counted in `dropped`: nobody waits for the outcome of these.
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
      this.lost += excess;
    }
    done({ code: ExportResultCode.SUCCESS });
  }

  /** Resolves when everything handed over so far was taken or has failed; the sink's time limit bounds it. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.running);
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
  }

  private send(sink: SpanSink, spans: readonly ReadableSpan[], done: (result: ExportResult) => void): void {
    // Suppressed: a sink that makes spans of its own would feed itself for ever.
    const work = context.with(suppressTracing(context.active()), () => this.deliver(sink, spans)).then(done);
    this.running.add(work);
    void work.finally(() => this.running.delete(work));
  }

  private async deliver(sink: SpanSink, spans: readonly ReadableSpan[]): Promise<ExportResult> {
    const { documents, oversized } = documentsOf(spans, this.limits.documentBytes);
    this.lost += oversized;
    const outcomes = await Promise.allSettled(
      documents.map(({ traceId, otlpJson }) => within(handOver(sink, traceId, otlpJson), this.limits.sinkTimeoutMs)),
    );
    let failure: Error | undefined;
    outcomes.forEach((outcome, index) => {
      if (outcome.status === 'fulfilled') return;
      this.lost += documents[index]?.spans ?? 0;
      failure ??= outcome.reason instanceof Error ? outcome.reason : new Error(String(outcome.reason));
    });
    return failure === undefined
      ? { code: ExportResultCode.SUCCESS }
      : { code: ExportResultCode.FAILED, error: failure };
  }
}

/** One OTLP JSON document per trace, or several where one would exceed `limitBytes`; spans too large alone are counted. */
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

/** A sink that throws at once fails like one that rejects. */
async function handOver(sink: SpanSink, traceId: string, otlpJson: Uint8Array): Promise<void> {
  await sink(traceId, otlpJson);
}

async function within(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the span sink took longer than ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
