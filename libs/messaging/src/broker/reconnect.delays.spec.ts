import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reconnectDelayMs, reconnectHandlers } from './reconnect.delays.js';

const pace = { reconnectFirstMs: 100, reconnectMaxMs: 1000 };
const snapshot = [[], null] as never as [never, never];

describe('reconnect delay', () => {
  it('doubles up to the maximum, with jitter of one half', () => {
    expect([1, 2, 3, 4, 5, 60].map((failures) => reconnectDelayMs(failures, pace, 0))).toEqual([
      50, 100, 200, 400, 500, 500,
    ]);
    expect([1, 4, 5, 99].map((failures) => reconnectDelayMs(failures, pace, 1))).toEqual([100, 800, 1000, 1000]);
  });

  it('is never above the maximum or below half of the first delay', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const ms = reconnectDelayMs(failures, pace, random);
        expect(ms).toBeGreaterThanOrEqual(50);
        expect(ms).toBeLessThanOrEqual(1000);
      }),
    );
  });

  it('changes once per reconnect attempt and resets after a connection', () => {
    let nowMs = 0;
    const handlers = reconnectHandlers(
      pace,
      () => nowMs,
      () => 1,
    );
    const reconnect = (afterMs: number): number[] => {
      nowMs += afterMs;
      expect(handlers.reconnectToServer(...snapshot)).toBeNull();
      return [handlers.reconnectDelayHandler(), handlers.reconnectDelayHandler()];
    };
    expect([reconnect(0), reconnect(100), reconnect(200), reconnect(400), reconnect(800), reconnect(1000)]).toEqual(
      [100, 200, 400, 800, 1000, 1000].map((ms) => [ms, ms]),
    );
    expect(reconnect(60_000)).toEqual([100, 100]);
  });
});
