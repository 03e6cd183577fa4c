import { describe, expect, it } from '@jest/globals';
import { spanContextOf } from './spans.js';

const traceId = 'a'.repeat(32);
const spanId = 'b'.repeat(16);

describe('the span context of a traceparent', () => {
  it('is remote and has its ids and flags', () => {
    expect(spanContextOf(`00-${traceId}-${spanId}-01`)).toEqual({ traceId, spanId, traceFlags: 1, isRemote: true });
  });

  it.each([
    undefined,
    '',
    'x',
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
  ])('of %j is missing', (traceparent) => {
    expect(spanContextOf(traceparent)).toBeUndefined();
  });
});
