import { describe, expect, it } from '@jest/globals';
import { every } from './every.js';

/** A clock whose pauses end when the test says so. */
function handClock() {
  const pauses: { ms: number; end: () => void }[] = [];
  let announce: () => void = () => undefined;
  return {
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((end, reject) => {
        signal?.throwIfAborted();
        signal?.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
        pauses.push({ ms, end });
        announce();
      }),
    /** Ends the next pause, waiting for it to begin. */
    next: async (): Promise<number> => {
      while (pauses.length === 0) await new Promise<void>((resolve) => (announce = resolve));
      const [pause] = pauses.splice(0, 1);
      pause?.end();
      return pause?.ms ?? 0;
    },
    waiting: () => pauses.length,
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('periodic work', () => {
  it('never overlaps: the pause begins when the turn has ended', async () => {
    const clock = handClock();
    const ends: (() => void)[] = [];
    const periodic = every(1000, () => new Promise<void>((end) => ends.push(end)), { clock, onError: () => undefined });
    expect(await clock.next()).toBe(1000);
    await settled();
    expect([ends.length, clock.waiting()]).toEqual([1, 0]);
    ends[0]?.();
    await clock.next();
    await settled();
    expect(ends.length).toBe(2);
    ends[1]?.();
    await periodic.stop();
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('the store is away'))],
    [
      'throws',
      () => {
        throw new Error('the store is away');
      },
    ],
  ])('goes on after a turn that %s, and reports each error', async (_how, fail) => {
    const clock = handClock();
    const errors: unknown[] = [];
    let turns = 0;
    const work = (): Promise<void> => {
      turns += 1;
      return turns <= 2 ? fail() : Promise.resolve();
    };
    const periodic = every(1000, work, { clock, onError: (error) => errors.push(error) });
    for (let turn = 0; turn < 3; turn += 1) await clock.next();
    await settled();
    await periodic.stop();
    expect([turns, errors.length]).toEqual([3, 2]);
  });

  it('begins at once where it is asked to', async () => {
    const clock = handClock();
    let turns = 0;
    const periodic = every(1000, () => Promise.resolve((turns += 1)), {
      clock,
      immediate: true,
      onError: () => undefined,
    });
    await settled();
    expect(turns).toBe(1);
    await periodic.stop();
  });

  it('aborts the turn that runs when it stops, waits for its end, and starts no other', async () => {
    const clock = handClock();
    const order: string[] = [];
    const errors: unknown[] = [];
    const work = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        order.push('begun');
        signal.addEventListener('abort', () => {
          setImmediate(() => {
            order.push('ended');
            reject(signal.reason as Error);
          });
        });
      });
    const periodic = every(1000, work, { clock, onError: (error) => errors.push(error) });
    await clock.next();
    await settled();
    await periodic.stop();
    order.push('stopped');
    expect(order).toEqual(['begun', 'ended', 'stopped']);
    expect([errors, clock.waiting()]).toEqual([[], 0]);
  });
});
