import { type Span, type SpanKind, type Trace } from '../src/index.js';

const ORIGIN_US = 1_795_491_031_813_000n;
const KINDS: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer'];
const hex = (id: string, digits: number): string =>
  [...Buffer.from(id)]
    .reduce((sum, byte) => (sum * 131n + BigInt(byte)) % (1n << 64n), 7n)
    .toString(16)
    .padStart(digits, '0');
const nanos = (us: number): string => String((ORIGIN_US + BigInt(us)) * 1000n);

function otlpValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** The trace as OTLP JSON, one document per span as a stream may hold it. */
export function toOtlp(trace: Trace): object[] {
  return trace.spans.map((span) => ({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: span.service } }] },
        scopeSpans: [
          {
            scope: { name: 'test' },
            spans: [
              {
                traceId: hex(trace.traceId, 32),
                spanId: hex(span.id, 16),
                ...(span.parentId === undefined ? {} : { parentSpanId: hex(span.parentId, 16) }),
                name: span.name,
                kind: KINDS.indexOf(span.kind) + 1,
                startTimeUnixNano: nanos(span.startUs),
                endTimeUnixNano: nanos(span.endUs),
                attributes: Object.entries(span.attributes).map(([key, value]) => ({ key, value: otlpValue(value) })),
                links: span.links.map((link) => ({ traceId: hex(trace.traceId, 32), spanId: hex(link, 16) })),
              },
            ],
          },
        ],
      },
    ],
  }));
}

/** The trace as Jaeger's `/api/traces` gives it. */
export function toJaeger(trace: Trace): object {
  const traceID = hex(trace.traceId, 32);
  const services = [...new Set(trace.spans.map(({ service }) => service))];
  const reference = (refType: string, id: string): object => ({ refType, traceID, spanID: hex(id, 16) });
  const toSpan = (span: Span): object => ({
    traceID,
    spanID: hex(span.id, 16),
    operationName: span.name,
    references: [
      ...(span.parentId === undefined ? [] : [reference('CHILD_OF', span.parentId)]),
      ...span.links.map((link) => reference('FOLLOWS_FROM', link)),
    ],
    startTime: Number(ORIGIN_US) + span.startUs,
    duration: span.endUs - span.startUs,
    tags: [
      { key: 'span.kind', type: 'string', value: span.kind },
      ...Object.entries(span.attributes).map(([key, value]) => ({ key, type: typeof value, value })),
    ],
    logs: [],
    processID: `p${services.indexOf(span.service)}`,
    warnings: null,
  });
  return {
    data: [
      {
        traceID,
        spans: trace.spans.map(toSpan),
        processes: Object.fromEntries(services.map((serviceName, at) => [`p${at}`, { serviceName, tags: [] }])),
      },
    ],
    total: 0,
    errors: null,
  };
}
