import { type Json, JsonReader, objectOf, type RawSpan, spanName, TraceFormatError, wholeOf } from './json.reader.js';
import { type ParseWarnings } from './parse.warnings.js';

/** OTLP has no time as 0; a clock that starts there has ended before this, 11 days later. */
const CLOCK_FROM_0_NS = 1_000_000_000_000_000n;

/**
 * The spans of OTLP JSON: what the stream holds, what a file exporter writes, and what lies in `result` of Jaeger's
 * `/api/v3`. Throws a TraceFormatError where the document is no such thing; what is wrong inside is a warning.
 */
export function readOtlp(json: unknown, warnings: ParseWarnings): RawSpan[] {
  const document = objectOf(json);
  const list = document?.['resourceSpans'];
  if (document === undefined || list === undefined || (list !== null && !Array.isArray(list))) {
    const what = document === undefined ? 'the document: must be an object' : 'resourceSpans: must be a list';
    throw new TraceFormatError(`OTLP JSON: ${what}; export the trace again, or mend this field`);
  }
  const reader = new JsonReader(warnings);
  warnings.about(undefined);
  return reader.objects(list, 'resourceSpans', true).flatMap(({ resource, scopeSpans }) => {
    warnings.about(undefined);
    const { attributes } = reader.object(resource, 'resource');
    const service = attributesOf(attributes, 'resource', reader)['service.name'];
    return reader
      .objects(scopeSpans, 'scopeSpans')
      .flatMap(({ spans }) => {
        warnings.about(undefined);
        return reader.objects(spans, 'spans');
      })
      .flatMap((span) => spanOf(span, String(service ?? 'unknown'), reader) ?? []);
  });
}

function spanOf(span: Json, service: string, reader: JsonReader): RawSpan | undefined {
  const { warnings } = reader;
  const { traceId, spanId: id } = span;
  warnings.about(typeof traceId === 'string' && traceId !== '' ? traceId : undefined);
  if (typeof traceId !== 'string' || traceId === '' || typeof id !== 'string' || id === '') {
    warnings.add('noId', typeof span['name'] === 'string' ? spanName('', span['name']) : 'without a name');
    return undefined;
  }
  const name = reader.text(span['name'], `name of ${id}`) ?? '';
  const where = spanName(id, name);
  const endNs = wholeOf(span['endTimeUnixNano'], 1n);
  const start = wholeOf(span['startTimeUnixNano'], 1n);
  const startNs = start === 0n && endNs !== undefined && endNs > CLOCK_FROM_0_NS ? undefined : start;
  const times = reader.times(startNs, endNs, where);
  if (times === undefined) return undefined;
  const parentId = reader.text(span['parentSpanId'], `parentSpanId of ${where}`) ?? '';
  return {
    ...times,
    traceId,
    id,
    parentId: /^0*$/.test(parentId) ? undefined : parentId,
    links: reader.objects(span['links'], `links of ${where}`).flatMap((link) => {
      return reader.text(link['spanId'], `links of ${where}`) ?? [];
    }),
    service,
    name,
    kind: reader.kind(span['kind'], where),
    attributes: attributesOf(span['attributes'], where, reader),
  };
}

/** Values of other kinds than text, number and truth value are no attributes for the analysis. */
function attributesOf(list: unknown, where: string, reader: JsonReader): RawSpan['attributes'] {
  const entries = reader.objects(list, `attributes of ${where}`).flatMap(({ key, value }) => {
    const name = reader.text(key, `attributes of ${where}`);
    const { stringValue, intValue, doubleValue, boolValue } = reader.object(value, `${name ?? ''} of ${where}`);
    const number = intValue ?? doubleValue;
    const plain =
      stringValue ?? (typeof number === 'string' && number.trim() !== '' ? Number(number) : number) ?? boolValue;
    return name === undefined || plain === undefined ? [] : [[name, plain] as const];
  });
  return reader.attributes(entries, where);
}
