import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jaegerCriticalPath, parseTrace, type Span, type SpanKind, type Trace } from '../index.js';

const FIXTURES = join(import.meta.dirname, '..', '..', 'test', 'fixtures');
const read = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(FIXTURES, name), 'utf8')) as Record<string, unknown>;
const span = (id: string, startUs: number, endUs: number, parentId?: string, kind: SpanKind = 'internal'): Span => ({
  id,
  parentId,
  links: [],
  service: 's',
  name: id,
  kind,
  startUs,
  endUs,
  attributes: {},
});
const sections = (...spans: Span[]): string[] =>
  jaegerCriticalPath({ traceId: 't', spans }).map((one) => `${one.spanId} ${one.sectionStart}-${one.sectionEnd}`);

type Listed = readonly [id: string, start: number, duration: number, ...references: readonly string[]];
/** Jaeger's own JSON; a reference is `CHILD_OF id` or `FOLLOWS_FROM id`. */
const jaegerJson = (spans: readonly Listed[]): unknown => ({
  data: [
    {
      traceID: 't',
      processes: { p: { serviceName: 's' } },
      spans: spans.map(([spanID, startTime, duration, ...references]) => ({
        spanID,
        operationName: spanID,
        startTime,
        duration,
        processID: 'p',
        references: references.map((one) => ({ refType: one.split(' ')[0], spanID: one.split(' ')[1] })),
      })),
    },
  ],
});
const pathOf = (...spans: readonly Listed[]): string[] =>
  jaegerCriticalPath(parseTrace(jaegerJson(spans))[0] as Trace).map(
    ({ spanId, sectionStart, sectionEnd }) => `${spanId} ${sectionStart}-${sectionEnd}`,
  );

/** A direct, recursive implementation of the definition. */
function byDefinition(spans: readonly Span[]): string[] {
  const path: string[] = [];
  const visited = new Set<string>();
  const cut = (one: Span, parent: Span): Span => ({
    ...one,
    startUs: Math.max(one.startUs, parent.startUs),
    endUs: Math.min(one.endUs, parent.endUs),
  });
  const childrenOf = (parent: Span): Span[] =>
    spans
      .filter(({ parentId }) => parentId === parent.id)
      .filter(({ kind }) => !(parent.kind === 'producer' && kind === 'consumer'))
      .filter((one) => one.startUs < parent.endUs && (one.endUs > parent.startUs || one.startUs >= parent.startUs))
      .map((one) => cut(one, parent));
  /** Back from the end of a span to its start. */
  const follow = (one: Span): void => {
    const children = childrenOf(one);
    let at = one.endUs;
    for (;;) {
      const before = children.filter(({ id, endUs }) => endUs <= at && !visited.has(id));
      const lastEnd = Math.max(...before.map(({ endUs }) => endUs));
      const last = before.find(({ endUs }) => endUs === lastEnd);
      const from = last?.endUs ?? one.startUs;
      if (from !== at) path.push(`${one.id} ${from}-${at}`);
      if (last === undefined) return;
      visited.add(last.id);
      follow(last);
      at = last.startUs;
    }
  };
  for (const root of spans.filter(({ parentId }) => parentId === undefined)) follow(root);
  return path;
}

describe("Jaeger's critical path", () => {
  it.each(['test1.json', 'test2.json', 'test5.json', 'test8.json'])('matches its test case %s', (name) => {
    const fixture = read(name);
    expect(jaegerCriticalPath(parseTrace(fixture)[0] as Trace)).toEqual(fixture['expectedSections']);
  });
  it('puts back-to-back siblings on the path', () => {
    const fixture = read('9148_back_to_back.json');
    expect(jaegerCriticalPath(parseTrace(fixture)[0] as Trace)).toEqual(fixture['expectedSectionsInclusiveBound']);
  });
  it('drops children outside their parent, with their subtrees', () => {
    expect(pathOf(['A', 1, 30], ['B', 40, 40, 'CHILD_OF A'], ['C', 50, 10, 'CHILD_OF B'])).toEqual(['A 1-31']);
    expect(pathOf(['A', 10, 20], ['B', 1, 4, 'CHILD_OF A'], ['C', 12, 3, 'CHILD_OF B'])).toEqual(['A 10-30']);
  });
  it('clips children at both ends of the parent', () => {
    const below = (start: number, duration: number): string[] =>
      pathOf(['A', 1, 29], ['B', 15, 20, 'CHILD_OF A'], ['C', start, duration, 'CHILD_OF B']);
    expect(below(10, 15)).toEqual(['B 25-30', 'C 15-25', 'A 1-15']);
    expect(below(20, 20)).toEqual(['C 20-30', 'B 15-20', 'A 1-15']);
  });
  it('uses the first existing reference of any kind as the parent', () => {
    const child = (...references: string[]): string[] =>
      pathOf(['A', 10, 20], ['B', 12, 10, 'CHILD_OF A'], ['C', 13, 4, ...references]);
    expect(child('FOLLOWS_FROM A', 'CHILD_OF B')).toEqual(['A 22-30', 'B 12-22', 'A 10-12']);
    expect(child('CHILD_OF gone', 'FOLLOWS_FROM B')).toEqual(['A 22-30', 'B 17-22', 'C 13-17', 'B 12-13', 'A 10-12']);
    expect(child('CHILD_OF gone')).toEqual(['A 22-30', 'B 12-22', 'A 10-12', 'C 13-17']);
    expect(child('CHILD_OF C')).toEqual(['A 22-30', 'B 12-22', 'A 10-12']);
  });
  it('prefers the child that started first, then the first listed, among equal ends', () => {
    expect(pathOf(['A', 1, 30], ['C', 9, 10, 'CHILD_OF A'], ['B', 5, 14, 'CHILD_OF A'])).toEqual([
      'A 19-31',
      'B 5-19',
      'A 1-5',
    ]);
    expect(pathOf(['A', 1, 30], ['C', 5, 40, 'CHILD_OF A'], ['B', 5, 30, 'CHILD_OF A'])).toEqual(['C 5-31', 'A 1-5']);
  });
  it('uses the first of two spans with the same id', () => {
    const grandchild: Listed[] = [
      ['A', 0, 100],
      ['B', 10, 80, 'CHILD_OF A'],
      ['C', 20, 60, 'CHILD_OF B'],
    ];
    expect(pathOf(...grandchild, ['B', 30, 40, 'CHILD_OF C'])).toEqual([
      'A 90-100',
      'B 80-90',
      'C 20-80',
      'B 10-20',
      'A 0-10',
    ]);
  });
  it('skips a child of zero length at the start of another one', () => {
    expect(pathOf(['A', 0, 200], ['B', 100, 50, 'CHILD_OF A'], ['C', 100, 0, 'CHILD_OF A'])).toEqual([
      'A 150-200',
      'B 100-150',
      'A 0-100',
    ]);
  });
  it('matches the definition for any tree', () => {
    const some = fc.tuple(
      fc.nat(12),
      fc.nat(12),
      fc.nat(6),
      fc.constantFrom<SpanKind>('internal', 'producer', 'consumer'),
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 9 }), (drawn) => {
        const spans = drawn
          .map(([a, b, parent, kind], i) =>
            span(`s${i}`, Math.min(a, b), Math.max(a, b), parent < i ? `s${parent}` : undefined, kind),
          )
          .sort((a, b) => a.startUs - b.startUs);
        expect(sections(...spans)).toEqual(byDefinition(spans));
      }),
      { numRuns: 1000 },
    );
  });
  it('accepts time 0', () => {
    expect(sections(span('p', 0, 10), span('a', 0, 4, 'p'), span('b', 4, 10, 'p'))).toEqual(['b 4-10', 'a 0-4']);
  });
  it('terminates with children of zero length', () => {
    expect(sections(span('p', 0, 10), span('a', 5, 5, 'p'), span('b', 5, 5, 'p'), span('c', 5, 5, 'b'))).toEqual([
      'p 5-10',
      'p 0-5',
    ]);
  });
  it('excludes a consumer below its producer, but not a root', () => {
    const spans = [span('p', 0, 10, undefined, 'producer'), span('c', 2, 6, 'p', 'consumer'), span('d', 3, 5, 'c')];
    expect(sections(...spans)).toEqual(['p 0-10']);
    expect(sections(span('c', 2, 6, 'gone', 'consumer'), span('d', 3, 5, 'c'))).toEqual(['c 5-6', 'd 3-5', 'c 2-3']);
  });
  it('clips children to their parents at every depth', () => {
    const spans = [span('p', 10, 20), span('c', 5, 18, 'p'), span('d', 4, 30, 'c'), span('late', 20, 25, 'p')];
    expect(sections(...spans)).toEqual(['p 18-20', 'd 10-18']);
  });
  it('walks each root separately', () => {
    expect(sections(span('a', 0, 5), span('b', 8, 9))).toEqual(['a 0-5', 'b 8-9']);
  });
  it('partitions a root that contains all its children', () => {
    const child = fc.tuple(fc.nat(100), fc.nat(100), fc.nat(20));
    fc.assert(
      fc.property(fc.array(child, { maxLength: 25 }), (children) => {
        const spans = children.map(([a, b, parent], i) =>
          span(`c${i}`, Math.min(a, b), Math.max(a, b), parent < i ? `c${parent}` : 'root'),
        );
        const path = jaegerCriticalPath({ traceId: 't', spans: [span('root', 0, 100), ...spans] }).reverse();
        let at = 0;
        for (const { sectionStart, sectionEnd } of path) {
          expect(sectionStart).toBe(at);
          expect(sectionEnd).toBeGreaterThan(sectionStart);
          at = sectionEnd;
        }
        expect(at).toBe(100);
      }),
    );
  });
  it('handles cycles of parents and ten thousand levels', () => {
    expect(sections(span('a', 0, 5, 'b'), span('b', 0, 5, 'a'))).toEqual([]);
    const deep = Array.from({ length: 10_000 }, (_, i) =>
      span(String(i), 0, 20_000 - i, i === 0 ? undefined : String(i - 1)),
    );
    expect(jaegerCriticalPath({ traceId: 't', spans: deep })).toHaveLength(10_000);
  });
});
