import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reconnectDelayMs, reconnectHandlers } from './reconnect.delays.js';

const pace = { reconnectFirstMs: 100, reconnectMaxMs: 1000 };
const snapshot = [[], null] as never as [never, never];

describe('the pause before a try to reach the broker', () => {
  it('doubles up to the maximum, half of it at random', () => {
    expect([1, 2, 3, 4, 5, 60].map((failures) => reconnectDelayMs(failures, pace, 0))).toEqual([
      50, 100, 200, 400, 500, 500,
    ]);
    expect([1, 4, 5, 99].map((failures) => reconnectDelayMs(failures, pace, 1))).toEqual([100, 800, 1000, 1000]);
  });

  it('is never above the maximum nor below half of the first', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const ms = reconnectDelayMs(failures, pace, random);
        expect(ms).toBeGreaterThanOrEqual(50);
        expect(ms).toBeLessThanOrEqual(1000);
      }),
    );
  });

  it('stays between two tries, however often nats.js asks, and begins again after a connection', () => {
    let nowMs = 0;
    const handlers = reconnectHandlers(
      pace,
      () => nowMs,
      () => 1,
    );
    const tryAgain = (afterMs: number): number[] => {
      nowMs += afterMs;
      expect(handlers.reconnectToServer(...snapshot)).toBeNull();
      return [handlers.reconnectDelayHandler(), handlers.reconnectDelayHandler()];
    };
    expect([tryAgain(0), tryAgain(100), tryAgain(200), tryAgain(400), tryAgain(800), tryAgain(1000)]).toEqual(
      [100, 200, 400, 800, 1000, 1000].map((ms) => [ms, ms]),
    );
    expect(tryAgain(60_000)).toEqual([100, 100]);
  });
});
