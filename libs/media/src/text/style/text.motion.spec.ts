import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Entrance, type Exit, statesOf } from './text.motion.js';

const states = (entrance: Entrance, exit: Exit = 'none', words = 3, frames = 72) =>
  statesOf({ entrance, exit, highlights: false }, words, frames, 24);

describe('the motion of a text', () => {
  it('is one picture without an entrance', () => {
    expect(states('none')).toEqual([{ frame: 0, opacity: 1, drop: 0, scale: 1 }]);
  });

  it.each(['fade', 'slide'] as const)('%s: becomes visible in half a second, then nothing moves', (entrance) => {
    const found = states(entrance);
    expect(found).toHaveLength(13);
    expect(found[0]?.opacity).toBeLessThan(0.2);
    expect(found.map(({ opacity }) => opacity)).toEqual(found.map(({ opacity }) => opacity).sort());
    expect((found[0]?.drop ?? 0) > 0.5).toBe(entrance === 'slide');
    expect(found.at(-1)).toEqual({ frame: 12, opacity: 1, drop: 0, scale: 1 });
  });

  it('never shows two pictures at one frame, or one after the end', () => {
    const some = <T extends string>(...values: readonly T[]) => fc.constantFrom(...values);
    fc.assert(
      fc.property(
        some<Entrance>('fade', 'slide', 'none'),
        some<Exit>('none'),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 60 }),
        (entrance, exit, frames, words) => {
          const found = states(entrance, exit, words, frames).map(({ frame }) => frame);
          expect(found[0]).toBe(0);
          expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
          expect(found.at(-1)).toBeLessThan(frames);
        },
      ),
    );
  });
});
