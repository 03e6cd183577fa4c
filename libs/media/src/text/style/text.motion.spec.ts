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

  it('pop: grows beyond its size and back', () => {
    const scales = states('pop').map(({ scale }) => scale);
    expect(scales[0]).toBeLessThan(0.8);
    expect(Math.max(...scales)).toBeGreaterThan(1.02);
    expect(scales.at(-1)).toBe(1);
  });

  it.each([
    [3, 72, [1, 2, 3]],
    [60, 72, undefined],
  ])('words: %i words come in steps', (words, frames, wanted) => {
    const found = states('words', 'none', words, frames);
    const shown = [...new Set(found.map((state) => state.words?.shown ?? words))];
    if (wanted !== undefined) expect(shown).toEqual(wanted);
    expect(shown.length).toBeLessThanOrEqual(24);
    expect(found.at(-1)?.words).toBeUndefined();
    expect(found.at(-1)?.frame).toBeLessThan(frames * 0.75);
  });

  it('leaves with the last frame', () => {
    const found = states('none', 'fade');
    expect(found.at(-1)?.frame).toBe(71);
    expect(found.at(-1)?.opacity).toBeLessThan(0.2);
    expect(found[1]?.frame).toBeGreaterThan(60);
  });

  it('never shows two pictures at one frame, or one after the end', () => {
    const some = <T extends string>(...values: readonly T[]) => fc.constantFrom(...values);
    fc.assert(
      fc.property(
        some<Entrance>('fade', 'slide', 'pop', 'words', 'none'),
        some<Exit>('fade', 'slide', 'none'),
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
