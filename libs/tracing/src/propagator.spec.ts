import { defaultTextMapGetter, ROOT_CONTEXT, type TextMapGetter, trace } from '@opentelemetry/api';
import { describe, expect, it } from '@jest/globals';
import { OwnTracePropagator } from './propagator.js';

const sent = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` };
const messages: TextMapGetter<typeof sent> = { keys: Object.keys, get: ({ traceparent }) => traceparent };

describe('trace context', () => {
  it.each([
    ['a message is extracted', messages, 'a'.repeat(32)],
    ['an HTTP request is ignored', defaultTextMapGetter, undefined],
  ])('of %s', (_name, getter, traceId) => {
    const context = new OwnTracePropagator().extract(ROOT_CONTEXT, sent, getter);
    expect(trace.getSpanContext(context)?.traceId).toBe(traceId);
  });
});
