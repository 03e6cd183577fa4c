import { type Context, defaultTextMapGetter, type TextMapGetter } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';

/**
 * Propagates W3C trace context between services only. Ignores the context of HTTP clients: it could merge two generations into
 * one trace, let a client join any trace, or disable sampling and so the performance report.
 */
export class OwnTracePropagator extends W3CTraceContextPropagator {
  override extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    // The HTTP instrumentation uses the default getter; messages use our own.
    return getter === defaultTextMapGetter ? context : super.extract(context, carrier, getter);
  }
}
