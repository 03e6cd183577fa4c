import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { WaitingDeliveries } from './webhook.waiting.js';

describe('waiting deliveries', () => {
  it('are limited per owner, and a known delivery is always admitted', () => {
    const waiting = new WaitingDeliveries(2, () => 0);
    const admitted = ['a', 'b', 'c', 'a'].map((delivery) => waiting.admit('ann', delivery, 100));
    expect(admitted).toEqual([true, true, false, true]);
    expect(waiting.admit('bob', 'a', 100)).toBe(true);
    waiting.settle('ann', 'a');
    expect([waiting.admit('ann', 'c', 100), waiting.admit('ann', 'd', 100)]).toEqual([true, false]);
  });

  it('expire one minute after their delay', () => {
    let nowMs = 0;
    const waiting = new WaitingDeliveries(1, () => nowMs);
    expect(waiting.admit('ann', 'a', 100)).toBe(true);
    nowMs = 60_100;
    expect(waiting.admit('ann', 'b', 100)).toBe(false);
    nowMs = 60_101;
    expect(waiting.admit('ann', 'b', 100)).toBe(true);
  });

  it('never exceed the limit, in any order of calls', () => {
    const step = fc.record({ delivery: fc.nat(9), settles: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const waiting = new WaitingDeliveries(3, () => 0);
        const inside = new Set<string>();
        for (const { delivery, settles } of steps) {
          const id = String(delivery);
          if (settles) waiting.settle('ann', id);
          if (settles) inside.delete(id);
          else if (waiting.admit('ann', id, 100)) inside.add(id);
          expect(inside.size).toBeLessThanOrEqual(3);
        }
      }),
    );
  });
});
