import { z } from 'zod';
import { type Span, type SpanKind, type Trace } from './trace.model.js';

const integer = z.union([z.string().regex(/^\d+$/, 'must be a whole number'), z.int().nonnegative()]);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const otlpValue = z.object({
  stringValue: z.string().optional(),
  intValue: z.union([z.string(), z.number()]).optional(),
  doubleValue: z.number().optional(),
  boolValue: z.boolean().optional(),
});
const otlpAttributes = z.array(z.object({ key: z.string(), value: otlpValue })).default([]);
const otlp = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: otlpAttributes }).optional(),
      scopeSpans: z
        .array(
          z.object({
            spans: z
              .array(
                z.object({
                  traceId: z.string().min(1),
                  spanId: z.string().min(1),
                  parentSpanId: z.string().optional(),
                  name: z.string(),
                  kind: z.union([z.number(), z.string()]).default(1),
                  startTimeUnixNano: integer,
                  endTimeUnixNano: integer,
                  attributes: otlpAttributes,
                  links: z.array(z.object({ spanId: z.string() })).default([]),
                }),
              )
              .default([]),
          }),
        )
        .default([]),
    }),
  ),
});
const jaeger = z.object({
  data: z.array(
    z.object({
      traceID: z.string().min(1),
      spans: z.array(
        z.object({
          spanID: z.string().min(1),
          operationName: z.string(),
          startTime: integer,
          duration: integer,
          processID: z.string().optional(),
          references: z.array(z.object({ refType: z.string(), spanID: z.string() })).nullish(),
          tags: z.array(z.object({ key: z.string(), value: z.unknown() })).nullish(),
        }),
      ),
      processes: z.record(z.string(), z.object({ serviceName: z.string() })).default({}),
    }),
  ),
});

interface RawSpan extends Omit<Span, 'startUs' | 'endUs'> {
  readonly traceId: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}
const KINDS: readonly SpanKind[] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];

function kindOf(raw: unknown): SpanKind {
  if (typeof raw === 'number') return KINDS[raw] ?? 'internal';
  const name = String(raw).replace('SPAN_KIND_', '').toLowerCase();
  return KINDS.find((kind) => kind === name) ?? 'internal';
}

function attributesOf(list: z.infer<typeof otlpAttributes>): Span['attributes'] {
  const entries = list.flatMap(({ key, value }) => {
    const plain =
      value.stringValue ??
      (value.intValue === undefined ? undefined : Number(value.intValue)) ??
      value.doubleValue ??
      value.boolValue;
    return plain === undefined ? [] : [[key, plain] as const];
  });
  return Object.fromEntries(entries);
}

function check<T>(schema: z.ZodType<T>, json: unknown, what: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new TypeError(`${what}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

function fromOtlp(json: unknown): RawSpan[] {
  return check(otlp, json, 'OTLP JSON').resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesOf(resource?.attributes ?? [])['service.name'] ?? 'unknown');
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        id: span.spanId,
        parentId: span.parentSpanId === '' ? undefined : span.parentSpanId,
        links: span.links.map((link) => link.spanId),
        service,
        name: span.name,
        kind: kindOf(span.kind),
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
      })),
    );
  });
}

function fromJaeger(json: unknown): RawSpan[] {
  return check(jaeger, json, 'Jaeger JSON').data.flatMap(({ traceID, spans, processes }) =>
    spans.map((span) => {
      const references = span.references ?? [];
      // Jaeger drops CHILD_OF where a link names the parent: a lone FOLLOWS_FROM may be that parent.
      const parent =
        references.find((one) => one.refType === 'CHILD_OF') ?? (references.length === 1 ? references[0] : undefined);
      const tags = (span.tags ?? []).flatMap(({ key, value }) => {
        const plain = scalar.safeParse(value);
        return plain.success ? [[key, plain.data] as const] : [];
      });
      const attributes = Object.fromEntries(tags);
      const startNs = BigInt(span.startTime) * 1000n;
      return {
        traceId: traceID,
        id: span.spanID,
        parentId: parent?.spanID,
        links: references.filter((one) => one !== parent).map((one) => one.spanID),
        service: processes[span.processID ?? '']?.serviceName ?? 'unknown',
        name: span.operationName,
        kind: kindOf(attributes['span.kind'] ?? 'internal'),
        startNs,
        endNs: startNs + BigInt(span.duration) * 1000n,
        attributes,
      };
    }),
  );
}

/**
 * Reads OTLP JSON, Jaeger's `/api/v3` answer or Jaeger's `/api/traces` answer. A span delivered twice counts once.
 * Throws a TypeError that names the format and the path of the first field that is wrong.
 */
export function parseTrace(json: unknown): Trace[] {
  if (typeof json !== 'object' || json === null) throw new TypeError('A trace must be a JSON object');
  const raw = 'data' in json ? fromJaeger(json) : fromOtlp('result' in json ? json.result : json);
  const byTrace = new Map<string, Map<string, RawSpan>>();
  for (const span of raw) {
    if (span.endNs < span.startNs) throw new TypeError(`Span ${span.id} (${span.name}) ends before it starts`);
    const spans = byTrace.get(span.traceId) ?? new Map<string, RawSpan>();
    spans.set(span.id, span);
    byTrace.set(span.traceId, spans);
  }
  return [...byTrace].map(([traceId, spans]) => {
    const list = [...spans.values()];
    const origin = list.reduce((min, { startNs }) => (startNs < min ? startNs : min), list[0]?.startNs ?? 0n);
    const toUs = (ns: bigint): number => Number((ns - origin) / 1000n);
    const rebased = list.map(({ startNs, endNs, id, parentId, links, service, name, kind, attributes }) => ({
      id,
      parentId,
      links,
      service,
      name,
      kind,
      attributes,
      startUs: toUs(startNs),
      endUs: toUs(endNs),
    }));
    return { traceId, spans: rebased.sort((a, b) => a.startUs - b.startUs || a.endUs - b.endUs) };
  });
}
