import { describe, expect, it } from '@jest/globals';
import { every } from './every.js';

/** A clock that the test advances. */
function manualClock() {
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
    /** Waits for the next pause and ends it. */
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
  it('starts the pause after the run ends, so that runs never overlap', async () => {
    const clock = manualClock();
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
    ['rejects', () => Promise.reject(new Error('the store is unavailable'))],
    [
      'throws',
      () => {
        throw new Error('the store is unavailable');
      },
    ],
  ])('continues after a run that %s, and reports each error', async (_how, fail) => {
    const clock = manualClock();
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

  it('starts immediately on request', async () => {
    const clock = manualClock();
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

  it('on stop aborts the current run, waits for it and starts no other', async () => {
    const clock = manualClock();
    const order: string[] = [];
    const errors: unknown[] = [];
    const work = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        order.push('started');
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
    expect(order).toEqual(['started', 'ended', 'stopped']);
    expect([errors, clock.waiting()]).toEqual([[], 0]);
  });
});
