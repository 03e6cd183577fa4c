import { describe, expect, it } from '@jest/globals';
import { ATTR } from '@clipmesh/tracing';
import fc from 'fast-check';
import { expectInvariants } from '../../test/report.invariants.js';
import {
  analyze,
  formatReport,
  modelOf,
  type PerformanceReport,
  type Span,
  type SpanKind,
  stageRows,
} from '../index.js';

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
const of = (...spans: Span[]): PerformanceReport =>
  analyze({ traceId: 't', spans: [...spans].sort((a, b) => a.startUs - b.startUs || a.endUs - b.endUs) });
const staged = (stage: string, more: Record<string, string | number | boolean> = {}): Partial<Span> => ({
  attributes: { [ATTR.stage]: stage, ...more },
});
const path = ({ criticalPath }: PerformanceReport): string[] =>
  criticalPath.map(({ name, startUs, endUs, kind, waitClass }) => `${name} ${startUs}-${endUs} ${waitClass ?? kind}`);

describe('work', () => {
  it('is self time, never counted for both a parent and its child', () => {
    const report = of(span('a', 0, 10_000), span('b', 2_000, 6_000, { parentId: 'a' }));
    expect(report).toMatchObject({ makespanMs: 10, workMs: 10, speedup: 1, peakConcurrency: 1 });
  });
  it('counts two concurrent clips', () => {
    const report = of(span('a', 0, 10_000), span('b', 0, 10_000));
    expect(report).toMatchObject({ speedup: 2, efficiency: 1, timeSavedMs: 10, workers: { clip: 2 } });
  });
  it('counts units, not spans', () => {
    const report = of(
      span('clip', 0, 9000, { kind: 'consumer' }),
      span('store', 0, 1000, { parentId: 'clip', attributes: {} }),
      span('run', 1000, 8000, { parentId: 'clip' }),
      span('upload', 1000, 2000, { parentId: 'clip', attributes: {} }),
      span('publish', 8000, 9000, { parentId: 'clip', kind: 'producer', attributes: {} }),
      span('decide', 8500, 9500, { parentId: 'publish', kind: 'consumer', service: 'planner', attributes: {} }),
    );
    expect(report.stages).toHaveLength(1);
    expect(report.stages[0]).toMatchObject({ stage: 'clip', count: 1, workMs: 9 });
    expect(report.peakConcurrency).toBe(1);
  });
  it('inside a turn of another stage belongs to its own stage, and uses the slots of the turn', () => {
    const report = of(
      span('plan', 0, 10_000, {
        kind: 'consumer',
        ...staged('planning', { [ATTR.poolSize]: 4, [ATTR.workerId]: 'p.1' }),
      }),
      span('chat', 1000, 9000, { parentId: 'plan', ...staged('llm') }),
    );
    expect(report.stages.map(({ stage, count, workMs }) => [stage, count, workMs])).toEqual([
      ['planning', 1, 2],
      ['llm', 1, 8],
    ]);
    expect(report.workers).toEqual({ planning: 4, llm: 4 });
  });
  it('excludes waits that spans declare', () => {
    const report = of(
      span('clip', 0, 10_000, { kind: 'consumer' }),
      span('q', 1000, 4000, { parentId: 'clip', attributes: { [ATTR.waitClass]: 'provider_queue' } }),
    );
    expect(report.workMs).toBe(7);
    expect(path(report)).toEqual(['clip 0-1000 work', 'q 1000-4000 provider_queue', 'clip 4000-10000 work']);
    expect(report.gap).toMatchObject({ externalMs: 3, dispatchMs: 0 });
  });
  it('belongs to the services when no span has a stage', () => {
    const plain = { attributes: {} };
    const report = of(
      span('get', 0, 10_000, { service: 'web', ...plain }),
      span('query', 2000, 9000, { service: 'db', parentId: 'get', ...plain }),
    );
    expect(report.stages.map(({ stage, workMs }) => [stage, workMs])).toEqual([
      ['web', 3],
      ['db', 7],
    ]);
    expect(report.bottleneck.stage).toBe('db');
  });
});

describe('the critical path', () => {
  it('crosses the broker, and classifies its waits', () => {
    const pool = { [ATTR.poolSize]: 1, [ATTR.workerId]: 'o.1' };
    const report = of(
      span('plan', 0, 1000, { kind: 'consumer', service: 'planner', ...staged('planning') }),
      span('send1', 900, 1000, { parentId: 'plan', kind: 'producer', attributes: {} }),
      span('send2', 900, 1000, { parentId: 'plan', kind: 'producer', attributes: {} }),
      span('one', 1200, 5000, { parentId: 'send1', kind: 'consumer', ...staged('overlay', pool) }),
      span('two', 5100, 9000, { parentId: 'send2', kind: 'consumer', ...staged('overlay', pool) }),
    );
    expect(path(report)).toEqual([
      'plan 0-900 work',
      'send2 900-1000 work',
      'two 1000-5000 queue',
      'two 5000-5100 dispatch',
      'two 5100-9000 work',
    ]);
    expect(report.stages.find(({ stage }) => stage === 'overlay')).toMatchObject({
      onCriticalPathMs: 3.9,
      queueWaitMs: 4,
    });
  });
  it('follows links when the last message comes from another scene', () => {
    const report = of(
      span('a', 0, 5000, staged('overlay', { [ATTR.scene]: 0 })),
      span('b', 0, 8000, staged('overlay', { [ATTR.scene]: 1 })),
      span('s', 8000, 9000, { links: ['a', 'b'], kind: 'consumer', ...staged('stitch') }),
    );
    expect(path(report)).toEqual(['b 0-8000 work', 's 8000-9000 work']);
    expect(modelOf({ traceId: 't', spans: [] }).tasks).toEqual([]);
  });
  it('labels each edge, and infers one only when the trace has none', () => {
    const { tasks } = modelOf({
      traceId: 't',
      spans: [
        span('p', 0, 1000, staged('planning')),
        span('c0', 1000, 3000, staged('clip', { [ATTR.scene]: 0 })),
        span('c1', 1000, 4000, staged('clip', { [ATTR.scene]: 1 })),
        span('o0', 3000, 4500, staged('overlay', { [ATTR.scene]: 0 })),
        span('x', 4600, 5000, { links: ['c1'], ...staged('stitch') }),
      ],
    });
    const edges = tasks.map(
      ({ span: { id }, edges: list }) =>
        `${id}: ${list.map((one) => `${one.kind} ${tasks[one.from]?.span.id ?? ''}`).join(', ')}`,
    );
    expect(edges).toEqual(['p: ', 'c1: inferred p', 'c0: inferred p', 'o0: inferred p, inferred c0', 'x: link c1']);
  });
  it('treats a redelivery as a retry, with its pause and lost work', () => {
    const nak = { [ATTR.settlement]: 'nak' };
    const report = of(
      span('send', 0, 100, { kind: 'producer', attributes: {} }),
      span('try1', 100, 1100, { parentId: 'send', kind: 'consumer', ...staged('clip', nak) }),
      span('try2', 4100, 6100, { parentId: 'send', kind: 'consumer', ...staged('clip', { [ATTR.settlement]: 'ack' }) }),
    );
    expect(path(report)).toContain('try2 1100-4100 retry');
    expect(report.gap).toMatchObject({ retryMs: 4 });
  });
  it('finds the units of a process without an actor', () => {
    const inside = (stage: string, scene?: number): Partial<Span> => ({
      parentId: 'root',
      ...staged(stage, scene === undefined ? {} : { [ATTR.scene]: scene }),
    });
    const report = of(
      span('root', 0, 20_000, { attributes: {} }),
      span('plan', 1000, 2000, inside('planning')),
      span('c0', 2000, 8000, inside('clip', 0)),
      span('c1', 2000, 12_000, inside('clip', 1)),
      span('o0', 8000, 9000, inside('overlay', 0)),
      span('o1', 12_000, 15_000, inside('overlay', 1)),
      span('s', 15_000, 19_000, inside('stitch')),
    );
    expect(report.criticalPath.filter(({ kind }) => kind === 'work').map(({ name }) => name)).toEqual([
      'plan',
      'c1',
      'o1',
      's',
    ]);
    expect(report.lowerBoundMs).toBe(18);
    expect(report.whatIf.find(({ change }) => change === 'clip twice as fast')?.predictedMakespanMs).toBe(15);
  });
});

describe('any trace', () => {
  const kinds: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer'];
  const soup = fc.array(
    fc.record({
      startUs: fc.nat(9999),
      lengthUs: fc.oneof(fc.nat(3000), fc.constant(0)),
      parent: fc.option(fc.nat(40)),
      links: fc.array(fc.nat(40), { maxLength: 2 }),
      kind: fc.constantFrom(...kinds),
      stage: fc.option(fc.constantFrom('planning', 'clip', 'overlay', 'stitch')),
      scene: fc.option(fc.nat(3)),
      settlement: fc.option(fc.constantFrom('ack', 'nak', 'give-up')),
      waitClass: fc.option(fc.constantFrom('queue', 'provider_queue', 'poll_lag', 'retry', 'other'), { freq: 6 }),
      pool: fc.option(fc.integer({ min: 1, max: 3 })),
      window: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 9 }),
    }),
    { maxLength: 40 },
  );
  it('satisfies the invariants, even with cycles, clock skew and orphans', () => {
    fc.assert(
      fc.property(soup, (list) => {
        const spans = list.map((one, i) => {
          const entries = [
            [ATTR.stage, one.stage],
            [ATTR.scene, one.scene],
            [ATTR.settlement, one.settlement],
            [ATTR.waitClass, one.waitClass],
            [ATTR.poolSize, one.pool],
            [ATTR.window, one.window],
          ] as const;
          const attributes = Object.fromEntries(
            entries.flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
          );
          return span(String(i), one.startUs, one.startUs + one.lengthUs, {
            parentId: one.parent === null ? undefined : String(one.parent),
            links: one.links.map(String),
            kind: one.kind,
            service: one.stage ?? 'other',
            attributes,
          });
        });
        expectInvariants(of(...spans));
      }),
      { numRuns: 400 },
    );
  });
  it('may be empty', () => {
    const report = of();
    expect(report).toMatchObject({
      makespanMs: 0,
      workMs: 0,
      speedup: 0,
      criticalPath: [],
      lowerBoundMs: 0,
      whatIf: [],
    });
    expect(formatReport(report)).toContain('No span of this trace belongs to a stage.');
  });
});

describe('the text', () => {
  const spans = [
    span('a', 0, 10_000),
    span('b', 0, 10_000, staged('clip')),
    span('c', 10_000, 12_000, staged('overlay')),
  ];
  const report = of(...spans);
  it('draws the stages, or the path without them', () => {
    const text = formatReport(report, stageRows({ traceId: 't', spans }));
    expect(text).toContain('speed-up 1.83x');
    expect(text).toMatch(/^clip {4}\|█{50} {10}\|$/m);
    expect(text).toMatch(/^overlay \| {50}█{10}\|$/m);
    expect(text).toMatch(/^Bottleneck: clip \(83 % of the critical path\)\. /m);
    expect(formatReport(report)).toMatch(/^clip-generator \|█{60}\|$/m);
  });
  it('is the same for a report that was serialized as JSON', () => {
    expect(formatReport(JSON.parse(JSON.stringify(report)) as PerformanceReport)).toBe(formatReport(report));
  });
});
