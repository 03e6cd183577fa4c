import { sentNs } from './jaeger.skew.js';
import { type Json, JsonReader, objectOf, type RawSpan, spanName, TraceFormatError, wholeOf } from './json.reader.js';
import { type ParseWarnings } from './parse.warnings.js';

const US = 1000n;

interface Reference {
  readonly refType: string;
  readonly spanID: string;
}

/**
 * Reads the spans of Jaeger's own JSON, `/api/traces`. Throws a TraceFormatError for another kind of document, and for one without a
 * trace. Problems of single spans become warnings.
 */
export function readJaeger(json: unknown, warnings: ParseWarnings): RawSpan[] {
  const { data, errors } = objectOf(json) ?? {};
  if (data !== null && !Array.isArray(data)) {
    throw new TraceFormatError('Jaeger JSON: data: must be a list; export the trace again, or fix this field');
  }
  const reader = new JsonReader(warnings);
  warnings.about(undefined);
  const [error] = reader.objects(errors, 'errors', true);
  if (data === null || (data.length === 0 && error !== undefined)) {
    const reason = typeof error?.['msg'] === 'string' ? error['msg'] : 'data is null';
    throw new TraceFormatError(`Jaeger JSON: no trace in it: ${reason}; ask for another trace id`);
  }
  return reader.objects(data, 'data').flatMap(({ traceID, spans, processes }) => {
    const traceId = typeof traceID === 'string' && traceID !== '' ? traceID : undefined;
    warnings.about(traceId);
    const list = reader.objects(spans, 'spans');
    const services = reader.object(processes, 'processes');
    const known = new Set(list.map(({ spanID }) => spanID));
    return list.flatMap((span) => spanOf(span, { traceId, services, known }, reader) ?? []);
  });
}

interface Around {
  readonly traceId: string | undefined;
  readonly services: Json;
  readonly known: ReadonlySet<unknown>;
}

function spanOf(span: Json, { traceId: trace, services, known }: Around, reader: JsonReader): RawSpan | undefined {
  const { warnings } = reader;
  const { spanID: id, operationName } = span;
  const traceId = trace ?? (typeof span['traceID'] === 'string' ? span['traceID'] : '');
  if (traceId === '' || typeof id !== 'string' || id === '') {
    warnings.add('noId', typeof operationName === 'string' ? spanName('', operationName) : 'without a name');
    return undefined;
  }
  warnings.about(traceId);
  const name = reader.text(operationName, `operationName of ${id}`) ?? '';
  const where = spanName(id, name);
  const times = timesOf(span, where, reader);
  if (times === undefined) return undefined;
  const references = referencesOf(span['references'], traceId, where, reader);
  // Jaeger drops CHILD_OF when a link names the parent, so a FOLLOWS_FROM may be the parent. Its UI uses the first existing reference
  // of either kind.
  const parent =
    references.find(({ spanID }) => known.has(spanID)) ??
    references.find(({ refType }) => refType === 'CHILD_OF') ??
    references[0];
  const tags = reader.objects(span['tags'], `tags of ${where}`, true).flatMap(({ key, value }) => {
    const tag = reader.text(key, `tags of ${where}`);
    // The analysis does not use lists and objects.
    return tag === undefined || (typeof value === 'object' && value !== null) ? [] : [[tag, value] as const];
  });
  const attributes = reader.attributes(tags, where);
  const process = objectOf(services[String(span['processID'])]);
  return {
    ...times,
    traceId,
    id,
    parentId: parent?.spanID,
    links: references.filter((one) => one !== parent).map(({ spanID }) => spanID),
    service: typeof process?.['serviceName'] === 'string' ? process['serviceName'] : 'unknown',
    name,
    kind: reader.kind(attributes['span.kind'], where),
    attributes,
  };
}

function timesOf(span: Json, where: string, reader: JsonReader): ReturnType<JsonReader['times']> {
  const start = wholeOf(span['startTime'], US);
  const length = typeof span['duration'] === 'number' && span['duration'] < 0 ? -1n : wholeOf(span['duration'], US);
  if (start === undefined) return reader.times(undefined, undefined, where);
  const moved = Array.isArray(span['warnings']) ? span['warnings'].filter((one) => typeof one === 'string') : [];
  const startNs = sentNs(start, moved);
  return reader.times(startNs, length === undefined ? undefined : startNs + length, where);
}

function referencesOf(value: unknown, traceId: string, where: string, reader: JsonReader): Reference[] {
  return reader.objects(value, `references of ${where}`, true).flatMap(({ refType, spanID, traceID }) => {
    if (traceID !== undefined && traceID !== traceId) return [];
    const id = reader.text(spanID, `references of ${where}`);
    return id === undefined || id === '' ? [] : [{ refType: String(refType), spanID: id }];
  });
}
