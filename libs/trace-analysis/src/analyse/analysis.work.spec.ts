import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { WorkCounter } from '@clipmesh/testing';
import { type Span, type Trace } from '../parse/trace.model.js';

let counter: WorkCounter;
let analyze: (trace: Trace) => unknown;

beforeAll(async () => {
  counter = await WorkCounter.start(/libs\/trace-analysis\/src\//);
  ({ analyze } = await import('./analysis.js'));
});
afterAll(async () => {
  await counter.stop();
});

const span = (i: number, more: Partial<Span> = {}): Span => ({
  ...{ id: String(i), parentId: undefined, links: [], service: 'clip-generator', name: String(i), kind: 'internal' },
  ...{ startUs: i, endUs: i + 50, attributes: { 'clipmesh.stage': 'clip' } },
  ...more,
});
const computing = (i: number, startUs: number, endUs: number): Span => {
  const host = {
    'clipmesh.host.id': 'h',
    'clipmesh.host.cores': 2,
    'clipmesh.process.cpu_ms': (endUs - startUs) / 2000,
  };
  return span(i, { startUs, endUs, attributes: { 'clipmesh.stage': 'overlay', ...host } });
};

it.each([
  ['a chain of spans', (i: number) => span(i, { parentId: String(i - 1) })],
  ['spans side by side', (i: number) => span(i)],
  ['spans one after another', (i: number) => span(i, { startUs: i * 1000, endUs: i * 1000 + 900 })],
  ['spans that begin together', (i: number) => span(i, { startUs: 0, endUs: 1000 + i })],
  ['processes one after another', (i: number) => computing(i, i * 1000, i * 1000 + 900)],
  ['processes that share cores', (i: number) => computing(i, i, i + 50)],
  ['processes that all begin together', (i: number) => computing(i, 0, 1000 + i)],
])('the work for %s grows with their number, not with its square', async (_name, of) => {
  const workOf = (count: number): Promise<number> => {
    const spans = Array.from({ length: count }, (_, i) => of(i));
    return counter.during(() => analyze({ traceId: 't', spans }));
  };
  await workOf(100);
  const [once, twice, eightfold] = [await workOf(500), await workOf(1000), await workOf(4000)];
  // n log n is 2.2 and 10 times as much, n² would be 4 and 64 times.
  expect(twice / once).toBeLessThan(3);
  expect(eightfold / once).toBeLessThan(16);
});
