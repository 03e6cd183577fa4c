import { describe, expect, it } from '@jest/globals';
import { lowerBound } from '../analyse/bounds.js';
import { Heap } from './heap.js';
import { poolsOf, startsOf } from '../model/pools.js';
import { replay } from './replay.js';
import { type EdgeKind, type Task } from '../model/task.model.js';
import { type Span } from '../parse/trace.model.js';

interface Job {
  readonly lengthUs: number;
  readonly after?: readonly number[];
  readonly startUs?: number;
}

/** Tasks of one pool, with the times of a schedule on `slots`. */
function tasksOf(jobs: readonly Job[], kind: EdgeKind = 'message'): Task[] {
  return jobs.map(({ lengthUs, after = [], startUs = 0 }, at) => {
    const span: Span = {
      id: String(at),
      parentId: undefined,
      links: [],
      service: 'worker',
      name: `job ${at}`,
      kind: 'consumer',
      startUs,
      endUs: startUs + lengthUs,
      attributes: {},
    };
    const piece = { span, startUs, endUs: span.endUs, stage: 'work', waitClass: undefined };
    const edges = after.map((from) => ({ from, kind, atUs: (jobs[from]?.startUs ?? 0) + (jobs[from]?.lengthUs ?? 0) }));
    return {
      span,
      stage: 'work',
      scene: undefined,
      pool: 'work',
      startUs,
      endUs: span.endUs,
      pieces: [piece],
      failed: false,
      edges,
    };
  });
}
const run = (jobs: readonly Job[], slots: number, speed = 1): number => {
  const tasks = tasksOf(jobs);
  const pools = poolsOf(tasks, 0);
  const starts = tasks.map(({ startUs }) => ({ readyUs: startUs, slotUs: startUs, lastEdge: undefined }));
  const system = { tasks, pools, starts, window: undefined, hosts: new Map() };
  return replay(system, { slots: { work: slots }, speed: { work: speed } }).makespanUs;
};
const bound = (jobs: readonly Job[], slots: number): number => {
  const tasks = tasksOf(jobs);
  const system = { tasks, pools: poolsOf(tasks, 0), window: undefined, hosts: new Map() };
  return lowerBound(system, { slots: { work: slots } }).us;
};

describe('the replay', () => {
  it.each([
    [1, 60],
    [2, 30],
    [3, 20],
    [4, 20],
    [6, 10],
  ])('of six jobs of 10 on %i slots takes %i', (slots, expected) => {
    expect(
      run(
        Array.from({ length: 6 }, () => ({ lengthUs: 10 })),
        slots,
      ),
    ).toBe(expected);
  });
  it("shows Graham's anomaly: his nine tasks take longer with a fourth worker", () => {
    const lengths = [3, 2, 2, 2, 4, 4, 4, 4, 9];
    const jobs = lengths.map((lengthUs, at) => ({ lengthUs, after: at === 8 ? [0] : at >= 4 ? [3] : [], startUs: 0 }));
    expect(run(jobs, 3)).toBe(12);
    expect(run(jobs, 4)).toBe(15);
  });
  it('takes half the time when the work is twice as fast', () => {
    expect(
      run(
        Array.from({ length: 4 }, () => ({ lengthUs: 10 })),
        2,
        2,
      ),
    ).toBe(10);
  });
});

describe('the lower bound', () => {
  const six = Array.from({ length: 6 }, () => ({ lengthUs: 10 }));
  it.each([
    ['work law', six, 2, 30],
    ['a single job', six, 12, 10],
    ['a chain', [{ lengthUs: 5 }, { lengthUs: 7, after: [0] }, { lengthUs: 9, after: [1] }], 3, 21],
    [
      'head, pool and tail',
      [
        { lengthUs: 5 },
        ...[1, 2, 3, 4].map(() => ({ lengthUs: 10, after: [0] })),
        { lengthUs: 3, after: [1, 2, 3, 4] },
      ],
      2,
      28,
    ],
  ] as const)('is the %s', (_, jobs, slots, expected) => {
    expect(bound(jobs as readonly Job[], slots)).toBe(expected);
    expect(run(jobs as readonly Job[], slots)).toBeGreaterThanOrEqual(expected);
  });
  it('does not count failed tries', () => {
    const [first, second] = tasksOf([{ lengthUs: 10 }, { lengthUs: 10, after: [0], startUs: 10 }]);
    if (first === undefined || second === undefined) throw new Error('two tasks');
    const tasks = [{ ...first, failed: true }, second];
    const system = { tasks, pools: poolsOf(tasks, 0), window: undefined, hosts: new Map() };
    expect(lowerBound(system).us).toBe(10);
  });
});

describe('starts', () => {
  it('distinguish a wait for a slot from a slow hop', () => {
    const tasks = tasksOf([{ lengthUs: 100 }, { lengthUs: 100, startUs: 110 }, { lengthUs: 10, startUs: 300 }]);
    const ready = tasks.map((task, at) =>
      at === 0 ? task : { ...task, edges: [{ from: 0, kind: 'message' as const, atUs: 50 }] },
    );
    expect(startsOf(ready, poolsOf(ready, 0), 0).map(({ readyUs, slotUs }) => [readyUs, slotUs])).toEqual([
      [0, 0],
      [50, 100],
      [50, 210],
    ]);
  });
  it('assign slots correctly when two are freed within one clock step', () => {
    const tasks = tasksOf([
      { lengthUs: 5000 },
      { lengthUs: 5900 },
      { lengthUs: 9000, startUs: 5000 },
      { lengthUs: 9000, startUs: 5900 },
    ]);
    const ready = tasks.map((task, at) =>
      at < 2 ? task : { ...task, edges: [{ from: 0, kind: 'message' as const, atUs: 50 }] },
    );
    expect(startsOf(ready, poolsOf(ready, 1000), 1000).map(({ slotUs }) => slotUs)).toEqual([0, 0, 5000, 5900]);
  });
  it('assign a slot whose release appears one clock step after its reuse', () => {
    const tasks = tasksOf([{ lengthUs: 5400 }, { lengthUs: 10, startUs: 5000 }]).map((task, at) =>
      at === 0 ? task : { ...task, edges: [{ from: 0, kind: 'message' as const, atUs: 50 }] },
    );
    expect(startsOf(tasks, poolsOf(tasks, 1000), 1000).map(({ slotUs }) => slotUs)).toEqual([0, 5000]);
  });
});

describe('the heap', () => {
  it('returns items in order', () => {
    const heap = new Heap<number>((a, b) => a - b);
    const values = Array.from({ length: 200 }, (_, i) => (i * 7919) % 211);
    for (const value of values) heap.push(value);
    expect(Array.from({ length: 200 }, () => heap.pop())).toEqual([...values].sort((a, b) => a - b));
    expect(heap.pop()).toBeUndefined();
  });
});
