import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from '@jest/globals';
import { documentsOf, type SpanSink, StreamSpanExporter } from './span.exporter.js';

/** Ended spans: each list is one trace, each number the size of a span's attribute, bytes. */
function spansOf(...traces: number[][]): ReadableSpan[] {
  const memory = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }).getTracer('test');
  traces.forEach((sizes, index) => {
    const parent = { traceId: traceIdOf(index), spanId: '00000000000000aa', traceFlags: 1 };
    for (const size of sizes) {
      const within = trace.setSpanContext(ROOT_CONTEXT, parent);
      tracer.startSpan('work', { attributes: { filler: 'x'.repeat(size) } }, within).end();
    }
  });
  return memory.getFinishedSpans();
}
const traceIdOf = (index: number): string => String(index + 1).padStart(32, '0');

const exported = async (exporter: StreamSpanExporter, spans: ReadableSpan[]): Promise<ExportResult> =>
  new Promise((resolve) => {
    exporter.export(spans, resolve);
  });

interface OtlpDocument {
  resourceSpans: { scopeSpans: { spans: { traceId: string; spanId: string }[] }[] }[];
}
const spansIn = (document: Uint8Array): { traceId: string; spanId: string }[] =>
  (JSON.parse(new TextDecoder().decode(document)) as OtlpDocument).resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans),
  );

function recorder(): { sink: SpanSink; taken: { traceId: string; document: Uint8Array }[] } {
  const taken: { traceId: string; document: Uint8Array }[] = [];
  return {
    taken,
    sink: (traceId, document) => {
      taken.push({ traceId, document });
      return Promise.resolve();
    },
  };
}

describe('StreamSpanExporter', () => {
  it('buffers spans until a sink is attached, then exports one document per trace', async () => {
    const exporter = new StreamSpanExporter();
    const { sink, taken } = recorder();
    expect((await exported(exporter, spansOf([1, 1], [1]))).code).toBe(ExportResultCode.SUCCESS);
    expect(exporter.buffered).toBe(3);
    exporter.attach(sink);
    await exporter.forceFlush();
    expect(taken.map(({ traceId, document }) => [traceId, spansIn(document).length])).toEqual([
      [traceIdOf(0), 2],
      [traceIdOf(1), 1],
    ]);
    await exported(exporter, spansOf([1]));
    expect(taken).toHaveLength(3);
    expect([exporter.buffered, exporter.dropped]).toEqual([0, 0]);
  });

  it('drops and counts the oldest spans beyond its buffer', async () => {
    const exporter = new StreamSpanExporter({ bufferedSpans: 2 });
    const { sink, taken } = recorder();
    const spans = spansOf([1, 1, 1, 1, 1]);
    await exported(exporter, spans);
    expect([exporter.buffered, exporter.dropped]).toEqual([2, 3]);
    exporter.attach(sink);
    await exporter.forceFlush();
    expect(taken.flatMap(({ document }) => spansIn(document)).map(({ spanId }) => spanId)).toEqual(
      spans.slice(3).map((span) => span.spanContext().spanId),
    );
  });

  it('splits a trace into documents below the limit without losing a span', () => {
    const spans = spansOf(Array.from({ length: 100 }, () => 20_000));
    const { documents, oversized } = documentsOf(spans, 900_000);
    expect(oversized).toBe(0);
    expect(documents.length).toBeGreaterThan(2);
    expect(Math.max(...documents.map(({ otlpJson }) => otlpJson.byteLength))).toBeLessThanOrEqual(900_000);
    expect(documents.flatMap(({ otlpJson }) => spansIn(otlpJson)).map(({ spanId }) => spanId)).toEqual(
      spans.map((span) => span.spanContext().spanId),
    );
  });

  it('drops and counts an oversized span and keeps the others', () => {
    const { documents, oversized } = documentsOf(spansOf([10, 5000, 10]), 3000);
    expect(oversized).toBe(1);
    expect(documents.reduce((sum, { spans }) => sum + spans, 0)).toBe(2);
  });

  it('counts the spans of each trace that the sink rejects', async () => {
    const exporter = new StreamSpanExporter();
    exporter.attach((traceId) => {
      if (traceId === traceIdOf(0)) throw new Error('broker unreachable');
      return Promise.resolve();
    });
    expect(await exported(exporter, spansOf([1, 1], [1]))).toMatchObject({
      code: ExportResultCode.FAILED,
      error: { message: 'broker unreachable' },
    });
    expect(exporter.dropped).toBe(2);
  });

  it('times out a sink that hangs', async () => {
    const exporter = new StreamSpanExporter({ sinkTimeoutMs: 20 });
    exporter.attach(() => new Promise<void>(() => undefined));
    expect((await exported(exporter, spansOf([1]))).code).toBe(ExportResultCode.FAILED);
    await exporter.shutdown();
    expect(exporter.dropped).toBe(1);
  });
});
