import { describe, expect, it } from '@jest/globals';
import { ATTR } from '@clipmesh/tracing';
import fc from 'fast-check';
import { pipelineTrace, scenesOf } from '../../test/pipeline.builder.js';
import { expectInvariants } from '../../test/report.invariants.js';
import { toJaeger, toOtlp } from '../../test/trace.writers.js';
import {
  aggregate,
  analyze,
  formatAggregate,
  formatReport,
  parseTrace,
  type Trace,
  TraceFormatError,
} from '../index.js';

const T0 = 1_700_000_000_000_000_000n;
const ns = (us: number): string => String(T0 + BigInt(us) * 1000n);
const otlp = (...spans: unknown[]): object => ({
  resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans }] }],
});
const good = {
  traceId: 't',
  spanId: 'a',
  name: 'a',
  startTimeUnixNano: ns(0),
  endTimeUnixNano: ns(100),
};
const jaeger = (...spans: unknown[]): object => ({
  data: [{ traceID: 't', spans, processes: { p: { serviceName: 'overlay' } } }],
});
const fine = { spanID: 'a', operationName: 'a', startTime: 1_700_000_000_000_000, duration: 100, processID: 'p' };
const read = (json: unknown): Trace => {
  const [trace] = parseTrace(json);
  if (trace === undefined) throw new Error('no trace');
  return trace;
};
const bad = { ...good, spanId: 'b', name: 'b' };
const attribute = (key: string, value: unknown): object => ({ attributes: [{ key, value }] });

describe('malformed OTLP', () => {
  it.each<[string, object, string | undefined, object | undefined]>([
    [
      'ends before it starts',
      { ...bad, startTimeUnixNano: ns(50), endTimeUnixNano: ns(20) },
      'Spans that end before they start, read as having no length: 1 (first: b b).',
      { startUs: 50, endUs: 50 },
    ],
    [
      'has no end',
      { ...bad, startTimeUnixNano: ns(30), endTimeUnixNano: undefined },
      'Spans without a readable end',
      { startUs: 30, endUs: 30 },
    ],
    [
      'has a null for its end',
      { ...bad, startTimeUnixNano: ns(30), endTimeUnixNano: null },
      'Spans without a readable end',
      { startUs: 30, endUs: 30 },
    ],
    [
      'has 0 for its end, as one that has not ended',
      { ...bad, startTimeUnixNano: ns(30), endTimeUnixNano: '0' },
      'Spans that end before they start',
      { startUs: 30, endUs: 30 },
    ],
    [
      'has no start',
      { ...bad, startTimeUnixNano: undefined },
      'Spans without a readable start, read',
      { startUs: 100, endUs: 100 },
    ],
    [
      'has 0 for its start',
      { ...bad, startTimeUnixNano: 0 },
      'Spans without a readable start, read',
      { startUs: 100, endUs: 100 },
    ],
    [
      'has no time at all',
      { ...bad, startTimeUnixNano: null, endTimeUnixNano: 'soon' },
      'Spans without a readable start and end, ignored',
      undefined,
    ],
    [
      'has times of a clock that was never set',
      { ...bad, startTimeUnixNano: '5', endTimeUnixNano: '9' },
      'Spans without a readable start and end, ignored',
      undefined,
    ],
    [
      'has a negative start',
      { ...bad, startTimeUnixNano: -5 },
      'Spans without a readable start, read',
      { startUs: 100 },
    ],
    [
      'has a time beyond all clocks',
      { ...bad, endTimeUnixNano: '99999999999999999999' },
      'Spans without a readable end',
      { endUs: 0 },
    ],
    [
      'has times as numbers',
      { ...bad, startTimeUnixNano: 1.7e18, endTimeUnixNano: 1.7e18 },
      undefined,
      { startUs: 0, endUs: 0 },
    ],
    [
      'has no id',
      { ...bad, spanId: undefined },
      'Spans without an id or a trace id, ignored: 1 (first: b).',
      undefined,
    ],
    ['has a null for its id', { ...bad, spanId: null }, 'Spans without an id', undefined],
    ['has a number for its id', { ...bad, spanId: 7 }, 'Spans without an id', undefined],
    ['has no trace id', { ...bad, traceId: null }, 'Spans without an id or a trace id', undefined],
    [
      'is null',
      null as unknown as object,
      'Entries of lists that are not objects, ignored: 1 (first: spans).',
      undefined,
    ],
    ['is a text', 'span' as unknown as object, 'Entries of lists that are not objects', undefined],
    [
      'has a null for its name',
      { ...bad, name: null },
      'Fields that are null or of a wrong type, ignored: 1 (first: name of b).',
      { name: '' },
    ],
    ['has a null for its parent', { ...bad, parentSpanId: null }, 'Fields that are null', { parentId: undefined }],
    ['has zeros for its parent', { ...bad, parentSpanId: '0000000000000000' }, undefined, { parentId: undefined }],
    ['has a null for its attributes', { ...bad, attributes: null }, 'Fields that are null', { attributes: {} }],
    ['has an object for its attributes', { ...bad, attributes: { a: 1 } }, 'Fields that are null', { attributes: {} }],
    ['has a null in its attributes', { ...bad, attributes: [null] }, 'Entries of lists', { attributes: {} }],
    ['has an attribute with a null', { ...bad, ...attribute('x', null) }, 'Fields that are null', { attributes: {} }],
    ['has a null for its links', { ...bad, links: null }, 'Fields that are null', { links: [] }],
    ['has a link with a null', { ...bad, links: [{ spanId: null }] }, 'Fields that are null', { links: [] }],
    [
      'has a kind that is not known',
      { ...bad, kind: 'SPAN_KIND_SATELLITE' },
      'Spans of an unknown kind, read as internal',
      { kind: 'internal' },
    ],
    ['has a kind beyond the list', { ...bad, kind: 77 }, 'Spans of an unknown kind', { kind: 'internal' }],
    ['has a null for its kind', { ...bad, kind: null }, 'Spans of an unknown kind', { kind: 'internal' }],
    ['does not specify its kind', { ...bad, kind: 'SPAN_KIND_UNSPECIFIED' }, undefined, { kind: 'internal' }],
    [
      'has a number of ours as text',
      { ...bad, ...attribute(ATTR.poolSize, { stringValue: '4' }) },
      `Attributes with a number as text, read as numbers: 1 (first: ${ATTR.poolSize} of b b).`,
      { attributes: { [ATTR.poolSize]: 4 } },
    ],
    [
      'has a number of ours as 0',
      { ...bad, ...attribute(ATTR.scene, { intValue: '0' }) },
      undefined,
      { attributes: { [ATTR.scene]: 0 } },
    ],
    [
      'has a number of ours as another text',
      { ...bad, ...attribute(ATTR.poolSize, { stringValue: 'four' }) },
      'Attributes whose value cannot be read',
      { attributes: {} },
    ],
    [
      'has a number of ours below 0',
      { ...bad, ...attribute(ATTR.cpuMs, { doubleValue: -5 }) },
      'Attributes whose value cannot be read',
      { attributes: {} },
    ],
    [
      'has a number that is none',
      { ...bad, ...attribute('x', { intValue: 'many' }) },
      'Attributes whose value cannot be read',
      { attributes: {} },
    ],
    [
      'has NaN for a number',
      { ...bad, ...attribute('x', { doubleValue: 'NaN' }) },
      'Attributes whose value cannot be read',
      { attributes: {} },
    ],
    [
      'has a number for a text of ours',
      { ...bad, ...attribute(ATTR.stage, { intValue: 3 }) },
      'Attributes whose value cannot be read',
      { attributes: {} },
    ],
    [
      'has another span with its id',
      { ...bad, spanId: 'a' },
      'Spans with the id of another one and other content, ignored: 1 (first: b a).',
      undefined,
    ],
    ['is there twice', good, undefined, undefined],
  ])('%s', (_name, span, warning, expected) => {
    const trace = read(otlp(good, span));
    if (warning === undefined) expect(trace.warnings).toBeUndefined();
    else expect(trace.warnings).toEqual([expect.stringContaining(warning)]);
    const other = trace.spans.find(({ id }) => id === 'b');
    if (expected === undefined) expect(other).toBeUndefined();
    else expect(other).toMatchObject(expected);
    const report = analyze(trace);
    expectInvariants(report);
    expect(report.warnings).toEqual(trace.warnings ?? []);
  });
  it.each<[string, object, string]>([
    ['a null for the resource', { resource: null, scopeSpans: [{ spans: [good] }] }, 'first: resource'],
    [
      'a null for the resource attributes',
      { resource: { attributes: null }, scopeSpans: [{ spans: [good] }] },
      'first: attributes of resource',
    ],
    ['a null beside the scopes', { scopeSpans: [null, { spans: [good] }] }, 'first: scopeSpans'],
    ['a scope without spans', { scopeSpans: [{ spans: null }, { spans: [good] }] }, 'first: spans'],
  ])('has %s', (_name, resourceSpan, where) => {
    const trace = read({ resourceSpans: [resourceSpan] });
    expect(trace.spans).toHaveLength(1);
    expect(trace.warnings).toEqual([expect.stringContaining(where)]);
  });
  it('may be null where it would be empty', () => {
    expect(parseTrace({ resourceSpans: null })).toEqual([]);
  });
});

describe('malformed Jaeger JSON', () => {
  const odd = { ...fine, spanID: 'b', operationName: 'b' };
  it.each<[string, object, string | undefined, object | undefined]>([
    ['has a negative length', { ...odd, duration: -5 }, 'Spans that end before they start', { startUs: 0, endUs: 0 }],
    ['has no length', { ...odd, duration: undefined }, 'Spans without a readable end', { startUs: 0, endUs: 0 }],
    ['has a null for its length', { ...odd, duration: null }, 'Spans without a readable end', { endUs: 0 }],
    ['has its length as text', { ...odd, duration: '100' }, undefined, { endUs: 100 }],
    ['has a fraction of a microsecond', { ...odd, duration: 100.7 }, undefined, { endUs: 100 }],
    ['has a null for its start', { ...odd, startTime: null }, 'Spans without a readable start and end', undefined],
    ['has no id', { ...odd, spanID: '' }, 'Spans without an id', undefined],
    ['has a null for its name', { ...odd, operationName: null }, 'Fields that are null', { name: '' }],
    [
      'has nulls for lists, as Jaeger writes them',
      { ...odd, tags: null, references: null, warnings: null, logs: null },
      undefined,
      { attributes: {} },
    ],
    ['has a text for its tags', { ...odd, tags: 'x' }, 'Fields that are null', { attributes: {} }],
    [
      'has a tag with a null',
      { ...odd, tags: [{ key: 'x', value: null }] },
      'Attributes whose value cannot be read',
      { attributes: {} },
    ],
    ['has a tag without a key', { ...odd, tags: [{ value: 1 }] }, undefined, { attributes: {} }],
    [
      'has a reference with a null',
      { ...odd, references: [{ refType: 'CHILD_OF', spanID: null }] },
      'Fields that are null',
      { parentId: undefined },
    ],
    ['has a null among its references', { ...odd, references: [null] }, 'Entries of lists', { parentId: undefined }],
    ['has an unknown process', { ...odd, processID: 'q' }, undefined, { service: 'unknown' }],
    ['has a number among its warnings', { ...odd, warnings: [7] }, undefined, { startUs: 0 }],
    [
      'has an unknown kind',
      { ...odd, tags: [{ key: 'span.kind', value: 'satellite' }] },
      'Spans of an unknown kind',
      { kind: 'internal' },
    ],
  ])('%s', (_name, span, warning, expected) => {
    const trace = read(jaeger(fine, span));
    if (warning === undefined) expect(trace.warnings).toBeUndefined();
    else expect(trace.warnings).toEqual([expect.stringContaining(warning)]);
    const other = trace.spans.find(({ id }) => id === 'b');
    if (expected === undefined) expect(other).toBeUndefined();
    else expect(other).toMatchObject(expected);
    expectInvariants(analyze(trace));
  });
  it.each<[string, object]>([
    ['no processes', { data: [{ traceID: 't', spans: [fine] }] }],
    ['a null for the processes', { data: [{ traceID: 't', spans: [fine], processes: null }] }],
    ['a null for one process', { data: [{ traceID: 't', spans: [fine], processes: { p: null } }] }],
    ['a null beside the trace', { data: [null, { traceID: 't', spans: [fine] }] }],
    ['its trace id at the span only', { data: [{ spans: [{ ...fine, traceID: 't' }] }] }],
  ])('has %s', (_name, document) => {
    const trace = read(document);
    expect(trace).toMatchObject({ traceId: 't', spans: [{ id: 'a', service: 'unknown' }] });
  });
});

describe('the warnings', () => {
  const shorter = { ...bad, endTimeUnixNano: ns(-1) };
  it('report each kind once per trace', () => {
    const other = { ...good, traceId: 'u' };
    const traces = parseTrace(
      otlp(good, shorter, { ...shorter, spanId: 'c' }, { ...bad, spanId: 'd', kind: 9 }, other),
    );
    expect(traces.map(({ warnings }) => warnings)).toEqual([
      [
        expect.stringMatching(/no length: 2 \(first: b b\)/),
        expect.stringMatching(/unknown kind, .*: 1 \(first: b d\)/),
      ],
      undefined,
    ]);
  });
  it('are part of the formatted reports', () => {
    const trace = read(otlp(good, shorter));
    expect(formatReport(analyze(trace))).toContain(
      '\nWarning: Spans that end before they start, read as having no length: 1',
    );
    expect(formatAggregate(aggregate([trace]))).toContain('Warning: t: Spans that end before they start');
  });
});

describe('any input', () => {
  const trace = pipelineTrace({ scenes: scenesOf(2, { clipUs: 900, overlayUs: 500, pollUs: 20 }) });
  type Node = Record<string, unknown> | unknown[];
  const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;
  /** Replaces the value at the path that the numbers select. */
  const broken = (json: unknown, place: readonly number[], value: unknown): unknown => {
    const copy = structuredClone(json);
    let node = copy as Node;
    for (const [depth, choice] of place.entries()) {
      const keys = Object.keys(node);
      const key = keys[choice % Math.max(1, keys.length)];
      if (key === undefined) break;
      const inner: unknown = (node as Record<string, unknown>)[key];
      if (depth === place.length - 1 || !isNode(inner)) (node as Record<string, unknown>)[key] = value;
      if (!isNode(inner)) break;
      node = inner;
    }
    return copy;
  };
  const value = fc.oneof(
    fc.constantFrom<unknown>(null, 0, -1, 1e300, '', '0', '-5', 'x', true, [], {}, [null], NaN, '1e999', 1.7e18),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const damage = fc.array(fc.tuple(fc.array(fc.nat(60), { minLength: 1, maxLength: 9 }), value), {
    minLength: 1,
    maxLength: 6,
  });
  const check = (json: unknown): void => {
    let traces: Trace[];
    try {
      traces = parseTrace(json);
    } catch (error) {
      expect(error).toBeInstanceOf(TraceFormatError);
      return;
    }
    for (const one of traces) {
      const report = analyze(one);
      expectInvariants(report);
      expect(JSON.stringify(report)).not.toMatch(/:null[,}\]]/);
    }
  };
  const RUNS = { numRuns: 400, interruptAfterTimeLimit: 30_000, markInterruptAsFailure: false };
  it.each<[string, unknown]>([
    ['OTLP', toOtlp(trace)],
    [
      'an answer of /api/v3',
      { result: { resourceSpans: toOtlp(trace).flatMap((one) => (one as { resourceSpans: object[] }).resourceSpans) } },
    ],
    ['an answer of /api/traces', toJaeger(trace)],
  ])('%s with random damage gives a consistent report or a TraceFormatError', (_name, json) => {
    fc.assert(
      fc.property(damage, (places) => {
        check(places.reduce((document, [place, put]) => broken(document, place, put), json));
      }),
      RUNS,
    );
  });
  it('of JSON gives a consistent report or a TraceFormatError', () => {
    fc.assert(fc.property(fc.jsonValue(), check), RUNS);
    fc.assert(
      fc.property(fc.constantFrom('data', 'result', 'resourceSpans'), fc.jsonValue(), (key, json) => {
        check({ [key]: json });
      }),
      RUNS,
    );
  });
  it('of deeply nested lists gives a consistent report or a TraceFormatError', () => {
    let deep: unknown = [];
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    expect(parseTrace(deep)).toEqual([]);
  });
});
