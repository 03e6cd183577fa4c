import { type Json, JsonReader, objectOf, type RawSpan, spanName, TraceFormatError, wholeOf } from './json.reader.js';
import { type ParseWarnings } from './parse.warnings.js';

/** OTLP writes a missing time as 0. A start of 0 counts as a time only if the span ends before this, 11 days later. */
const CLOCK_FROM_0_NS = 1_000_000_000_000_000n;

/**
 * Reads the spans of OTLP JSON, as in the stream, in the files of an exporter, and in `result` of Jaeger's `/api/v3`. Throws a
 * TraceFormatError for another kind of document. Problems of single spans become warnings.
 */
export function readOtlp(json: unknown, warnings: ParseWarnings): RawSpan[] {
  const document = objectOf(json);
  const list = document?.['resourceSpans'];
  if (document === undefined || list === undefined || (list !== null && !Array.isArray(list))) {
    const what = document === undefined ? 'the document: must be an object' : 'resourceSpans: must be a list';
    throw new TraceFormatError(`OTLP JSON: ${what}; export the trace again, or fix this field`);
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

/** The attributes whose values are strings, numbers or booleans. */
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
