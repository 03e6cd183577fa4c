import { readJaeger } from './jaeger.reader.js';
import { type RawSpan, spanName, TraceFormatError } from './json.reader.js';
import { readOtlp } from './otlp.reader.js';
import { ParseWarnings } from './parse.warnings.js';
import { type Trace } from './trace.model.js';

const SHAPES =
  'OTLP JSON ({"resourceSpans": […]}), Jaeger\'s /api/v3 answer ({"result": …}) or Jaeger\'s /api/traces answer ({"data": […]})';
/** An unset clock starts at the epoch. In a trace with spans after `SET_NS`, spans before `UNSET_NS` have an invalid time. */
const UNSET_NS = 1_000_000_000_000_000n;
const SET_NS = 100_000_000_000_000_000n;

function rawSpansOf(json: unknown, warnings: ParseWarnings): RawSpan[] {
  const spans: RawSpan[][] = [];
  const documents: unknown[] = [json];
  while (documents.length > 0) {
    const one = documents.pop();
    if (Array.isArray(one)) for (let at = one.length - 1; at >= 0; at -= 1) documents.push(one[at]);
    else spans.push(spansOfDocument(one, warnings));
  }
  return spans.flat();
}

function spansOfDocument(json: unknown, warnings: ParseWarnings): RawSpan[] {
  if (typeof json !== 'object' || json === null) {
    throw new TraceFormatError(
      `A trace must be a JSON object, not ${json === null ? 'null' : typeof json}; give ${SHAPES}`,
    );
  }
  if ('data' in json) return readJaeger(json, warnings);
  if ('result' in json) return readOtlp(json.result, warnings);
  if ('resourceSpans' in json) return readOtlp(json, warnings);
  throw new TraceFormatError(
    `No trace in this JSON: it has none of "resourceSpans", "result" and "data"; give ${SHAPES}`,
  );
}

/**
 * Parses OTLP JSON, a response of Jaeger's `/api/v3` or `/api/traces`, or an array of such documents (the content of the stream). Among
 * spans with the same id, the first counts. Problems of single spans are in the `warnings` of the trace. Throws a TraceFormatError when
 * nothing can be read. Its message says what is wrong, where, and what to do.
 */
export function parseTrace(json: unknown): Trace[] {
  const warnings = new ParseWarnings();
  const byTrace = new Map<string, Map<string, RawSpan>>();
  for (const span of rawSpansOf(json, warnings)) {
    const spans = byTrace.get(span.traceId) ?? new Map<string, RawSpan>();
    const known = spans.get(span.id);
    if (known === undefined) spans.set(span.id, span);
    else if (known.startNs !== span.startNs || known.endNs !== span.endNs || known.name !== span.name) {
      warnings.about(span.traceId);
      warnings.add('duplicate', spanName(span.id, span.name));
    }
    byTrace.set(span.traceId, spans);
  }
  const [unread] = warnings.all();
  if (byTrace.size === 0 && unread !== undefined) {
    throw new TraceFormatError(`No span of this trace can be read: ${unread} Export the trace again`);
  }
  return [...byTrace].map(([traceId, spans]) => traceOf(traceId, [...spans.values()], warnings));
}

function traceOf(traceId: string, all: readonly RawSpan[], warnings: ParseWarnings): Trace {
  const isSet = all.some(({ startNs }) => startNs > SET_NS);
  const list = all.filter(({ id, name, startNs }) => {
    const good = !isSet || startNs >= UNSET_NS;
    if (!good) {
      warnings.about(traceId);
      warnings.add('noTimes', spanName(id, name));
    }
    return good;
  });
  const origin = list.reduce((min, { startNs }) => (startNs < min ? startNs : min), list[0]?.startNs ?? 0n);
  const originUs = origin / 1000n;
  // Start and duration in whole microseconds, as in Jaeger, so that all sources give the same figures.
  const rebased = list.map(({ startNs, endNs, traceId: _, ...span }) => {
    const startUs = Number(startNs / 1000n - originUs);
    return { ...span, startUs, endUs: startUs + Number((endNs - startNs) / 1000n) };
  });
  const said = warnings.of(traceId);
  return {
    traceId,
    documentOrder: rebased.map(({ id }) => id),
    spans: rebased.sort((a, b) => a.startUs - b.startUs || a.endUs - b.endUs || (a.id < b.id ? -1 : 1)),
    originUs: Number(originUs),
    ...(said.length === 0 ? {} : { warnings: said }),
  };
}

/** Parses a trace file: one JSON document, or one per line. Throws a TraceFormatError like {@link parseTrace}. */
export function parseTraceText(text: string): Trace[] {
  const whole = parseJson(text);
  if (whole.ok) return parseTrace(whole.json);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2) throw new TraceFormatError(`Not JSON: ${whole.reason}; give ${SHAPES}`);
  return parseTrace(
    lines.map((line, index) => {
      const parsed = parseJson(line);
      if (!parsed.ok) throw new TraceFormatError(`Not JSON: line ${index + 1}: ${parsed.reason}; give ${SHAPES}`);
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
