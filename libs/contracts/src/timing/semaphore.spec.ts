import { describe, expect, it } from '@jest/globals';
import { Semaphore } from './semaphore.js';

const never = new AbortController().signal;

describe('a semaphore', () => {
  it('runs work in order up to its limit, and frees the slot of failed work', async () => {
    const semaphore = new Semaphore(2);
    const log: string[] = [];
    const ends: (() => void)[] = [];
    const work = (name: string): Promise<void> =>
      semaphore.run(never, async () => {
        log.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
      });
    const all = ['a', 'b', 'c', 'd'].map(work);
    await expect(semaphore.run(AbortSignal.abort(), () => Promise.resolve())).rejects.toMatchObject({
      code: 'CANCELED',
    });
    expect(log).toEqual(['a', 'b']);
    ends.shift()?.();
    await all[0];
    expect(log).toEqual(['a', 'b', 'c']);
    for (const end of ends.splice(0)) end();
    await Promise.all([all[1], all[2]]);
    expect(log).toEqual(['a', 'b', 'c', 'd']);
    ends.shift()?.();
    await all[3];
    await expect(semaphore.run(never, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await semaphore.run(never, () => Promise.resolve('free'))).toBe('free');
  });

  it('with a limit of 1 runs one task at a time, in order, and continues after an error', async () => {
    const semaphore = new Semaphore(1);
    const seen: string[] = [];
    const run = (name: string): Promise<void> =>
      semaphore.run(never, async () => {
        seen.push(`${name} in`);
        await new Promise(setImmediate);
        seen.push(`${name} out`);
        if (name === 'b') throw new Error('no');
      });
    const all = await Promise.allSettled(['a', 'b', 'c'].map(run));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  });

  it('frees a slot once after an early release', async () => {
    const semaphore = new Semaphore(1);
    const seen: string[] = [];
    let end = (): void => undefined;
    const first = semaphore.run(never, async (release) => {
      release();
      release();
      await new Promise<void>((resolve) => (end = resolve));
      seen.push('first');
    });
    const others = ['second', 'third'].map((name) =>
      semaphore.run(never, async () => {
        seen.push(`${name} in`);
        await new Promise(setImmediate);
        seen.push(`${name} out`);
      }),
    );
    await Promise.all(others);
    end();
    await first;
    expect(seen).toEqual(['second in', 'second out', 'third in', 'third out', 'first']);
  });

  it('rejects work that is canceled while it waits, and keeps the order of the others', async () => {
    const semaphore = new Semaphore(1);
    const abort = new AbortController();
    let end = (): void => undefined;
    const first = semaphore.run(never, () => new Promise<void>((resolve) => (end = resolve)));
    let ran = false;
    const second = semaphore.run(abort.signal, () => {
      ran = true;
      return Promise.resolve();
    });
    const third = semaphore.run(never, () => Promise.resolve('third'));
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'CANCELED' });
    end();
    await first;
    expect(await third).toBe('third');
    expect(ran).toBe(false);
  });
});
