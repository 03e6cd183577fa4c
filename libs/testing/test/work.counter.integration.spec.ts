import { runInThisContext } from 'node:vm';
import { expect, it } from '@jest/globals';
import { WorkCounter } from '../src/index.js';

const compile = (body: string): ((n: number) => void) =>
  runInThisContext(`(n) => { ${body} }`, { filename: '/counted/code.js' }) as (n: number) => void;

it.each([
  ['constant', 'if (n > 0) return;', 1],
  ['linear', 'for (let i = 0; i < n; i += 1) void i;', 2],
  ['quadratic', 'for (let i = 0; i < n; i += 1) for (let j = 0; j < n; j += 1) void j;', 4],
])('measures the growth of %s work', async (_name, body, growth) => {
  const counter = await WorkCounter.start(/\/counted\//);
  try {
    const code = compile(body);
    const workOf = (n: number): Promise<number> =>
      counter.during(() => {
        code(n);
      });
    const [once, twice] = [await workOf(1000), await workOf(2000)];
    expect(twice / once).toBeCloseTo(growth, 1);
    expect(await workOf(1000)).toBe(once);
  } finally {
    await counter.stop();
  }
});

it('throws when it counts nothing', async () => {
  const counter = await WorkCounter.start(/\/counted\//);
  try {
    await expect(counter.during(() => undefined)).rejects.toThrow('import it after the counter has started');
  } finally {
    await counter.stop();
  }
});
