import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseTrace, parseTraceText, TraceFormatError } from '../index.js';

const otlpSpan = (spanId: string, startNs: string, endNs: string, more: object = {}): object => ({
  traceId: 't',
  spanId,
  name: spanId,
  startTimeUnixNano: startNs,
  endTimeUnixNano: endNs,
  ...more,
});
const otlp = (...spans: object[]): object => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'planner' } }] },
      scopeSpans: [{ scope: { name: 'x' }, spans }],
    },
  ],
});
const jaegerSpan = (spanID: string, references: object[], more: object = {}): object => ({
  spanID,
  operationName: spanID,
  startTime: 1_700_000_000_000_005,
  duration: 10,
  references,
  processID: 'p1',
  ...more,
});
const jaeger = (...spans: object[]): object => ({
  data: [{ traceID: 't', spans, processes: { p1: { serviceName: 'overlay' } } }],
});
const T0 = '1700000000000000000';

describe('OTLP', () => {
  it('is read alike from the stream, from a file and from /api/v3', () => {
    const document = otlp(
      otlpSpan('a', T0, '1700000000000005999', { kind: 'SPAN_KIND_CONSUMER', links: [{ traceId: 't', spanId: 'z' }] }),
    );
    expect(parseTrace({ result: document })).toEqual(parseTrace(document));
    expect(parseTrace([document])).toEqual(parseTrace(document));
    expect(parseTrace(document)[0]).toMatchObject({ traceId: 't', originUs: 1_700_000_000_000_000 });
    expect(parseTrace(document)[0]?.spans[0]).toMatchObject({
      startUs: 0,
      endUs: 5,
      kind: 'consumer',
      service: 'planner',
      links: ['z'],
    });
  });
  it('keeps nanoseconds that doubles cannot hold, and starts and lengths as Jaeger cuts them', () => {
    const [trace] = parseTrace(
      otlp(
        otlpSpan('a', '1700000000000000999', '1700000000000004001'),
        otlpSpan('b', '1700000000000004001', '1700000000000009000'),
      ),
    );
    expect(trace?.spans.map(({ startUs, endUs }) => [startUs, endUs])).toEqual([
      [0, 3],
      [4, 8],
    ]);
  });
  it('counts a span that was delivered twice once, and sorts by start', () => {
    const late = otlpSpan('late', '1700000000000004000', '1700000000000005000');
    const [trace] = parseTrace([otlp(late), otlp(otlpSpan('early', T0, T0)), otlp(late)]);
    expect(trace?.spans.map(({ id }) => id)).toEqual(['early', 'late']);
  });
  it('takes attributes of every plain kind', () => {
    const attributes = [
      { key: 's', value: { stringValue: 'x' } },
      { key: 'i', value: { intValue: '7' } },
      { key: 'd', value: { doubleValue: 0.5 } },
      { key: 'b', value: { boolValue: false } },
      { key: 'list', value: { arrayValue: { values: [] } } },
      { key: 'none' },
    ];
    expect(parseTrace(otlp(otlpSpan('a', T0, T0, { attributes })))[0]?.spans[0]?.attributes).toEqual({
      s: 'x',
      i: 7,
      d: 0.5,
      b: false,
    });
  });
});

describe("Jaeger's own JSON", () => {
  const parentOf = (...references: object[]): unknown => {
    const spans = parseTrace(jaeger(jaegerSpan('a', []), jaegerSpan('b', references)))[0]?.spans ?? [];
    return spans.find(({ id }) => id === 'b');
  };
  it('prefers CHILD_OF, and keeps the rest as links', () => {
    expect(parentOf({ refType: 'FOLLOWS_FROM', spanID: 'z' }, { refType: 'CHILD_OF', spanID: 'a' })).toMatchObject({
      parentId: 'a',
      links: ['z'],
    });
  });
  it('reads a lone FOLLOWS_FROM as the parent', () => {
    expect(parentOf({ refType: 'FOLLOWS_FROM', spanID: 'a' })).toMatchObject({ parentId: 'a', links: [] });
  });
  it('does not take a span of another trace for the parent', () => {
    expect(parentOf({ refType: 'CHILD_OF', spanID: 'a', traceID: 'other' })).toMatchObject({ parentId: undefined });
  });
  it.each([
    ['-592.068637ms', 592_069],
    ['685.375µs', -685],
    ['1m2.5s', -62_500_000],
  ])('puts a span back that Jaeger has moved by %s', (moved, us) => {
    const warnings = ['odd', `This span's timestamps were adjusted by ${moved}`];
    const skipped = ['max clock skew adjustment delta of 1s exceeded; not applying calculated delta of -1.02s'];
    const spans = [jaegerSpan('a', [], { warnings: skipped }), jaegerSpan('b', [], { warnings })];
    const starts = new Map(parseTrace(jaeger(...spans))[0]?.spans.map(({ id, startUs }) => [id, startUs]));
    expect((starts.get('b') ?? 0) - (starts.get('a') ?? 0)).toBe(us);
  });
  it('takes kind and attributes from the tags, times in microseconds', () => {
    const tags = [
      { key: 'span.kind', value: 'producer' },
      { key: 'odd', value: { deep: 1 } },
    ];
    expect(parseTrace(jaeger(jaegerSpan('a', [], { tags })))[0]?.spans[0]).toMatchObject({
      kind: 'producer',
      service: 'overlay',
      startUs: 0,
      endUs: 10,
      attributes: { 'span.kind': 'producer' },
    });
  });
});

describe('what is no trace', () => {
  it.each([
    [null, /must be a JSON object, not null; give OTLP JSON/],
    ['text', /not string/],
    [{ spans: [] }, /none of "resourceSpans", "result" and "data"/],
    [undefined, /not undefined/],
    [
      jaeger({}),
      /^No span of this trace can be read: Spans without an id or a trace id, ignored: 1 \(first: without a name\)/,
    ],
    [{ data: 5 }, /^Jaeger JSON: data: must be a list; export the trace again/],
    [{ data: null, errors: [{ msg: 'trace not found' }] }, /no trace in it: trace not found/],
    [
      otlp({ traceId: 't', spanId: 'a', startTimeUnixNano: 'soon' }),
      /^No span of this trace can be read: Spans without a readable start and end, ignored: 1 \(first: a\)/,
    ],
    [{ result: 5 }, /^OTLP JSON: the document: /],
  ])('%j names the problem, its place and the fix', (json, message) => {
    expect(() => parseTrace(json)).toThrow(message);
    expect(() => parseTrace(json)).toThrow(TraceFormatError);
  });
  it('in a file, by its line', () => {
    const line = JSON.stringify(otlp(otlpSpan('a', T0, T0)));
    expect(parseTraceText(`${line}\n${line}\n`)).toHaveLength(1);
    expect(() => parseTraceText(`${line}\nhello`)).toThrow(/line 2/);
    expect(() => parseTraceText('')).toThrow(/Not JSON/);
  });
});

describe('the fixtures', () => {
  it('carry the licence they came with', () => {
    expect(readFileSync(join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'LICENSE.txt'), 'utf8')).toContain(
      'Apache License',
    );
  });
});
