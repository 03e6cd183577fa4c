import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jaegerCriticalPath, parseTrace, type Span, type SpanKind, type Trace } from './index.js';

const FIXTURES = join(import.meta.dirname, '..', 'test', 'fixtures');
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

describe("Jaeger's critical path", () => {
  it.each(['test1.json', 'test2.json', 'test5.json', 'test8.json'])('agrees with its own case %s', (name) => {
    const fixture = read(name);
    expect(jaegerCriticalPath(parseTrace(fixture)[0] as Trace)).toEqual(fixture['expectedSections']);
  });
  it('puts back-to-back siblings on the path', () => {
    const fixture = read('9148_back_to_back.json');
    expect(jaegerCriticalPath(parseTrace(fixture)[0] as Trace)).toEqual(fixture['expectedSectionsInclusiveBound']);
  });
  it('takes time 0 for a time', () => {
    expect(sections(span('p', 0, 10), span('a', 0, 4, 'p'), span('b', 4, 10, 'p'))).toEqual(['b 4-10', 'a 0-4']);
  });
  it('ends although children without length finish where the walk stands', () => {
    expect(sections(span('p', 0, 10), span('a', 5, 5, 'p'), span('b', 5, 5, 'p'), span('c', 5, 5, 'b'))).toEqual([
      'p 5-10',
      'p 0-5',
    ]);
  });
  it('leaves out a consumer under its producer, and keeps one that is a root', () => {
    const spans = [span('p', 0, 10, undefined, 'producer'), span('c', 2, 6, 'p', 'consumer'), span('d', 3, 5, 'c')];
    expect(sections(...spans)).toEqual(['p 0-10']);
    expect(sections(span('c', 2, 6, 'gone', 'consumer'), span('d', 3, 5, 'c'))).toEqual(['c 5-6', 'd 3-5', 'c 2-3']);
  });
  it('cuts children to their parents at every depth, and drops those outside', () => {
    const spans = [span('p', 10, 20), span('c', 5, 18, 'p'), span('d', 4, 30, 'c'), span('late', 20, 25, 'p')];
    expect(sections(...spans)).toEqual(['p 18-20', 'd 10-18']);
  });
  it('walks each root of its own', () => {
    expect(sections(span('a', 0, 5), span('b', 8, 9))).toEqual(['a 0-5', 'b 8-9']);
  });
  it('partitions a root that contains all its children, whatever they are', () => {
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
  it("survives parents that are each other's children, and ten thousand levels", () => {
    expect(sections(span('a', 0, 5, 'b'), span('b', 0, 5, 'a'))).toEqual([]);
    const deep = Array.from({ length: 10_000 }, (_, i) =>
      span(String(i), 0, 20_000 - i, i === 0 ? undefined : String(i - 1)),
    );
    expect(jaegerCriticalPath({ traceId: 't', spans: deep })).toHaveLength(10_000);
  });
});
