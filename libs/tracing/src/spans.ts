import { ClipmeshError, messageOf } from '@clipmesh/contracts';
import {
  type Attributes,
  type Context,
  isSpanContextValid,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent, suppressTracing } from '@opentelemetry/core';

/** Runs `work` in a new span. Records an error on the span and rethrows it. */
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

/** Semantic-convention key of the error class. Our errors use their failure code. */
export const ERROR_TYPE = 'error.type';

/** Marks a span as failed, with the failure code or class of the error as `error.type`. */
export function failSpan(span: Span, error: unknown): void {
  span.setAttribute(ERROR_TYPE, errorTypeOf(error));
  span.recordException(error instanceof Error ? error : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
}

function errorTypeOf(error: unknown): string {
  if (error instanceof ClipmeshError) return error.code;
  return error instanceof Error ? error.name : '_OTHER';
}

/** W3C `traceparent` of the active span. Undefined: no active span. */
export function currentTraceparent(): string | undefined {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return undefined;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
}

/** The remote span context of a `traceparent`. Undefined: none or invalid. */
export function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const parsed = parseTraceParent(traceparent ?? '');
  return parsed === null ? undefined : { ...parsed, isRemote: true };
}

/** A context that creates no spans. */
export function untraced(context: Context): Context {
  return suppressTracing(context);
}
