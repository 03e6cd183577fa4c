import { type z } from 'zod';
import { sentNs } from './jaeger.skew.js';
import { type Span, type SpanKind, type Trace } from './trace.model.js';
import { jaegerSchema, type OtlpAttributes, otlpSchema } from './trace.schema.js';

interface RawSpan extends Omit<Span, 'startUs' | 'endUs'> {
  readonly traceId: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}
const KINDS: readonly SpanKind[] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const SHAPES =
  'OTLP JSON ({"resourceSpans": […]}), Jaeger\'s /api/v3 answer ({"result": …}) or Jaeger\'s /api/traces answer ({"data": […]})';

function kindOf(raw: unknown): SpanKind {
  if (typeof raw === 'number') return KINDS[raw] ?? 'internal';
  const name = String(raw).replace('SPAN_KIND_', '').toLowerCase();
  return KINDS.find((kind) => kind === name) ?? 'internal';
}

function attributesOf(list: OtlpAttributes): Span['attributes'] {
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
  const where = issue?.path.join('.') ?? '';
  throw new TypeError(
    `${what}: ${where === '' ? 'the document' : where}: ${issue?.message ?? 'not valid'}; export the trace again, or mend this field`,
  );
}

function fromOtlp(json: unknown): RawSpan[] {
  return check(otlpSchema, json, 'OTLP JSON').resourceSpans.flatMap(({ resource, scopeSpans }) => {
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

function tagsOf(tags: readonly { readonly key: string; readonly value?: unknown }[]): Span['attributes'] {
  const entries = tags.flatMap(({ key, value }) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[key, value] as const] : [],
  );
  return Object.fromEntries(entries);
}

function fromJaeger(json: unknown): RawSpan[] {
  const { data, errors } = check(jaegerSchema, json, 'Jaeger JSON');
  if (data === null || (data.length === 0 && errors?.[0] !== undefined)) {
    throw new TypeError(`Jaeger JSON: no trace in it: ${errors?.[0]?.msg ?? 'data is null'}; ask for another trace id`);
  }
  return data.flatMap(({ traceID, spans, processes }) => {
    const known = new Set(spans.map(({ spanID }) => spanID));
    return spans.map((span) => {
      const references = (span.references ?? []).filter((one) => one.traceID === undefined || one.traceID === traceID);
      // Jaeger drops CHILD_OF where a link names the parent, so a FOLLOWS_FROM may be that parent. Its UI takes the first
      // of either kind that is there.
      const parent =
        references.find(({ spanID }) => known.has(spanID)) ??
        references.find(({ refType }) => refType === 'CHILD_OF') ??
        references[0];
      const attributes = tagsOf(span.tags ?? []);
      const startNs = sentNs(BigInt(span.startTime) * 1000n, span.warnings ?? []);
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
    });
  });
}

function rawSpansOf(json: unknown): RawSpan[] {
  if (Array.isArray(json)) return json.flatMap(rawSpansOf);
  if (typeof json !== 'object' || json === null) {
    throw new TypeError(`A trace must be a JSON object, not ${json === null ? 'null' : typeof json}; give ${SHAPES}`);
  }
  if ('data' in json) return fromJaeger(json);
  if ('result' in json) return fromOtlp(json.result);
  if ('resourceSpans' in json) return fromOtlp(json);
  throw new TypeError(`No trace in this JSON: it has none of "resourceSpans", "result" and "data"; give ${SHAPES}`);
}

/**
 * Reads OTLP JSON, Jaeger's `/api/v3` answer, Jaeger's `/api/traces` answer, or an array of such documents (what the
 * stream holds). Of spans with the same id the first counts. Throws a TypeError that says what is wrong, where, and what to do.
 */
export function parseTrace(json: unknown): Trace[] {
  const byTrace = new Map<string, Map<string, RawSpan>>();
  for (const span of rawSpansOf(json)) {
    if (span.endNs < span.startNs) {
      throw new TypeError(
        `Span ${span.id} (${span.name}) ends before it starts; export the trace again once that span has ended, or take it out`,
      );
    }
    const spans = byTrace.get(span.traceId) ?? new Map<string, RawSpan>();
    if (!spans.has(span.id)) spans.set(span.id, span);
    byTrace.set(span.traceId, spans);
  }
  return [...byTrace].map(([traceId, spans]) => {
    const list = [...spans.values()];
    const origin = list.reduce((min, { startNs }) => (startNs < min ? startNs : min), list[0]?.startNs ?? 0n);
    const originUs = origin / 1000n;
    // A start and a length in whole microseconds each, as Jaeger keeps them: so every source gives the same figures.
    const rebased = list.map(({ startNs, endNs, traceId: _, ...span }) => {
      const startUs = Number(startNs / 1000n - originUs);
      return { ...span, startUs, endUs: startUs + Number((endNs - startNs) / 1000n) };
    });
    return {
      traceId,
      documentOrder: rebased.map(({ id }) => id),
      spans: rebased.sort((a, b) => a.startUs - b.startUs || a.endUs - b.endUs || (a.id < b.id ? -1 : 1)),
      originUs: Number(originUs),
    };
  });
}

/** Reads the text of a trace file: one JSON document, or one per line. Throws a TypeError as {@link parseTrace} does. */
export function parseTraceText(text: string): Trace[] {
  const whole = parseJson(text);
  if (whole.ok) return parseTrace(whole.json);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2) throw new TypeError(`Not JSON: ${whole.reason}; give ${SHAPES}`);
  return parseTrace(
    lines.map((line, index) => {
      const parsed = parseJson(line);
      if (!parsed.ok) throw new TypeError(`Not JSON: line ${index + 1}: ${parsed.reason}; give ${SHAPES}`);
      return parsed.json;
    }),
  );
}

function parseJson(text: string): { ok: true; json: unknown } | { ok: false; reason: string } {
  try {
    return { ok: true, json: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
