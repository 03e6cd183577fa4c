import { describe, expect, it } from '@jest/globals';
import { Gate } from './gate.js';

const calm = new AbortController().signal;

describe('a gate', () => {
  it('lets one pass at a time, in order, and goes on after an error', async () => {
    const gate = new Gate();
    const seen: string[] = [];
    const pass = (name: string): Promise<void> =>
      gate.pass(calm, async () => {
        seen.push(`${name} in`);
        await new Promise(setImmediate);
        seen.push(`${name} out`);
        if (name === 'b') throw new Error('no');
      });
    const all = await Promise.allSettled(['a', 'b', 'c'].map(pass));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  });

  it('lets the next one in when the one before leaves early, and goes on beside it', async () => {
    const gate = new Gate();
    const seen: string[] = [];
    let end = (): void => undefined;
    const first = gate.pass(calm, async (leave) => {
      leave();
      leave();
      await new Promise<void>((resolve) => (end = resolve));
      seen.push('first');
    });
    const others = ['second', 'third'].map((name) => gate.pass(calm, () => Promise.resolve(void seen.push(name))));
    await Promise.all(others);
    end();
    await first;
    expect(seen).toEqual(['second', 'third', 'first']);
  });

  it('lets those go who are canceled while they wait, and keeps the order of the others', async () => {
    const gate = new Gate();
    const abort = new AbortController();
    let open = (): void => undefined;
    const first = gate.pass(calm, () => new Promise<void>((resolve) => (open = resolve)));
    let ran = false;
    const second = gate.pass(abort.signal, () => {
      ran = true;
      return Promise.resolve();
    });
    const third = gate.pass(calm, () => Promise.resolve('third'));
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'CANCELED' });
    await new Promise(setImmediate);
    open();
    await first;
    expect(await third).toBe('third');
    expect(ran).toBe(false);
  });
});
