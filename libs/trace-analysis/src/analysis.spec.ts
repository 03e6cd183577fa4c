import { describe, expect, it } from '@jest/globals';
import { ATTR } from '@clipmesh/tracing';
import fc from 'fast-check';
import { analyze, formatReport, parseTrace, type Span } from './index.js';

const span = (id: string, startUs: number, endUs: number, more: Partial<Span> = {}): Span => ({
  id,
  parentId: undefined,
  links: [],
  service: 'clip-generator',
  name: id,
  kind: 'internal',
  startUs,
  endUs,
  attributes: { [ATTR.stage]: 'clip' },
  ...more,
});

describe('analyze', () => {
  it('counts self time: never a parent and its child both', () => {
    const report = analyze({ traceId: 't', spans: [span('a', 0, 10_000), span('b', 2_000, 6_000, { parentId: 'a' })] });
    expect(report).toMatchObject({ makespanMs: 10, workMs: 10, speedup: 1, peakConcurrency: 1 });
  });
  it('sees two clips at once', () => {
    const report = analyze({ traceId: 't', spans: [span('a', 0, 10_000), span('b', 0, 10_000)] });
    expect(report).toMatchObject({ speedup: 2, efficiency: 1, timeSavedMs: 10, workers: { clip: 2 } });
    expect(formatReport(report)).toContain('speed-up 2.00x');
  });
  it('keeps its invariants for any spans', () => {
    const time = fc.tuple(fc.nat(9999), fc.nat(999), fc.option(fc.nat(20)));
    fc.assert(
      fc.property(fc.array(time, { maxLength: 30 }), (times) => {
        const spans = times.map(([start, length, parent], i) =>
          span(String(i), start, start + length, { parentId: parent === null ? undefined : String(parent) }),
        );
        const report = analyze({ traceId: 't', spans });
        const sum = (f: (l: { level: number; ms: number }) => number): number =>
          report.concurrency.reduce((all, one) => all + Math.round(f(one) * 1000), 0);
        expect(sum(({ ms }) => ms)).toBe(Math.round(report.makespanMs * 1000));
        expect(sum(({ level, ms }) => level * ms)).toBe(Math.round(report.workMs * 1000));
      }),
    );
  });
  it('takes 10,000 spans in under a second', () => {
    const spans = Array.from({ length: 10_000 }, (_, i) => span(String(i), i, i + 500, { parentId: String(i - 1) }));
    const started = Date.now();
    analyze({ traceId: 't', spans });
    expect(Date.now() - started).toBeLessThan(1000);
  });
});

describe('parseTrace', () => {
  const otlp = {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: 't',
                spanId: 'a',
                name: 'x',
                startTimeUnixNano: '1700000000000000000',
                endTimeUnixNano: '1700000000000005000',
              },
            ],
          },
        ],
      },
    ],
  };
  it('reads OTLP and /api/v3 alike', () => {
    expect(parseTrace({ result: otlp })).toEqual(parseTrace(otlp));
    expect(parseTrace(otlp)[0]?.spans[0]).toMatchObject({ startUs: 0, endUs: 5 });
  });
  it('reads a lone FOLLOWS_FROM as the parent', () => {
    const traces = parseTrace({
      data: [
        {
          traceID: 't',
          processes: {},
          spans: [
            {
              spanID: 'b',
              operationName: 'x',
              startTime: 5,
              duration: 0,
              references: [{ refType: 'FOLLOWS_FROM', spanID: 'a' }],
            },
          ],
        },
      ],
    });
    expect(traces[0]?.spans[0]?.parentId).toBe('a');
  });
  it('says what is wrong and where', () => {
    expect(() => parseTrace({ data: [{ traceID: 't', spans: [{}] }] })).toThrow(
      /Jaeger JSON: data\.0\.spans\.0\.spanID/,
    );
  });
});
