import { describe, expect, it } from '@jest/globals';
import { Mutex } from './mutex.js';

const never = new AbortController().signal;

describe('mutex', () => {
  it('runs one task at a time, in order, and continues after an error', async () => {
    const mutex = new Mutex();
    const seen: string[] = [];
    const run = (name: string): Promise<void> =>
      mutex.run(never, async () => {
        seen.push(`${name} in`);
        await new Promise(setImmediate);
        seen.push(`${name} out`);
        if (name === 'b') throw new Error('no');
      });
    const all = await Promise.allSettled(['a', 'b', 'c'].map(run));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  });

  it('runs the next task concurrently after an early release', async () => {
    const mutex = new Mutex();
    const seen: string[] = [];
    let end = (): void => undefined;
    const first = mutex.run(never, async (release) => {
      release();
      release();
      await new Promise<void>((resolve) => (end = resolve));
      seen.push('first');
    });
    const others = ['second', 'third'].map((name) => mutex.run(never, () => Promise.resolve(void seen.push(name))));
    await Promise.all(others);
    end();
    await first;
    expect(seen).toEqual(['second', 'third', 'first']);
  });

  it('rejects a task that is canceled while it waits, and keeps the order of the others', async () => {
    const mutex = new Mutex();
    const abort = new AbortController();
    let open = (): void => undefined;
    const first = mutex.run(never, () => new Promise<void>((resolve) => (open = resolve)));
    let ran = false;
    const second = mutex.run(abort.signal, () => {
      ran = true;
      return Promise.resolve();
    });
    const third = mutex.run(never, () => Promise.resolve('third'));
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'CANCELED' });
    await new Promise(setImmediate);
    open();
    await first;
    expect(await third).toBe('third');
    expect(ran).toBe(false);
  });
});
