import { type Context, defaultTextMapGetter, type TextMapGetter } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';

/**
 * W3C trace context between our services alone. What a caller of the HTTP API sends is left to the caller: two generations
 * would be one trace, anybody's trace could be joined, and one that the caller does not sample would leave no report.
 */
export class OwnTracePropagator extends W3CTraceContextPropagator {
  override extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    // The instrumentation of HTTP reads with the default getter; messages are read with one of ours.
    return getter === defaultTextMapGetter ? context : super.extract(context, carrier, getter);
  }
}
