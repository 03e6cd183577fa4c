import { ClipmeshError } from '@clipmesh/contracts';
import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

/** Runs `work` in a span of its own; an error is recorded on it and thrown on. */
export async function withSpan<T>(
  tracer: string,
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
  kind: SpanKind = SpanKind.INTERNAL,
): Promise<T> {
  return trace.getTracer(tracer).startActiveSpan(name, { attributes, kind }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      failSpan(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The convention's key for what class of error ended a span; a code of ours where the error has one. */
export const ERROR_TYPE = 'error.type';

/** Marks a span as failed, with the error's code (or class) as its `error.type`. */
export function failSpan(span: Span, error: unknown): void {
  span.setAttribute(ERROR_TYPE, errorTypeOf(error));
  span.recordException(error instanceof Error ? error : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
}

function errorTypeOf(error: unknown): string {
  if (error instanceof ClipmeshError) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}

/** The W3C `traceparent` of the active span. */
export function currentTraceparent(): string | undefined {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return undefined;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
}

/** The context in which no span is made. */
export function untraced(context: Context): Context {
  return suppressTracing(context);
}
