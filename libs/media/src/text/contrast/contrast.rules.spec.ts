import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TEXT_STYLES } from '../style/text.styles.js';
import {
  contrastOf,
  edgeIn,
  edgeOf,
  luminance,
  measuredContrast,
  neededContrast,
  type Pixels,
  rgbOf,
  strongerStyles,
} from './contrast.rules.js';

const contrast = (one: string, other: string): number => contrastOf(luminance(rgbOf(one)), luminance(rgbOf(other)));
const profile = { width: 720, height: 1280, fps: 24 };

describe('contrast', () => {
  it.each([
    ['#ffffff', '#ffffff', 1],
    ['#000000', '#ffffff', 21],
    ['#767676', '#ffffff', 4.54],
    ['#ff0000', '#ffffff', 4],
  ])('of %s and %s is %f', (one, other, wanted) => {
    expect(contrast(one, other)).toBeCloseTo(wanted, 1);
    expect(contrast(other, one)).toBe(contrast(one, other));
  });

  it.each([
    [56, 700, 3],
    [34, 700, 4.5],
    [40, 400, 4.5],
    [45, 400, 3],
  ])('of a text of %i px and weight %i must be %f', (size, weight, wanted) => {
    expect(neededContrast(size, weight, profile)).toBe(wanted);
  });
});

/** A square letter of 6 px in the middle of 10 px. */
const letters: Pixels = {
  width: 10,
  data: Uint8Array.from({ length: 400 }, (_, index) => {
    const [x, y] = [Math.floor(index / 4) % 10, Math.floor(index / 40)];
    return index % 4 === 3 && x >= 2 && x < 8 && y >= 2 && y < 8 ? 255 : 0;
  }),
};
const ground = (value: (x: number) => number): Uint8Array =>
  Uint8Array.from({ length: 300 }, (_, index) => value(Math.floor(index / 3) % 10));
const square = { left: 0, top: 0, width: 10, height: 10 };
const edge = edgeIn(edgeOf(letters), square, square);
const none: Pixels = { width: 10, data: new Uint8Array(400) };

describe('the contrast of a text with its ground', () => {
  it('counts the pixels beside the letters', () => {
    const indices = edgeOf(letters);
    expect(indices).toContain(13);
    expect(indices).not.toContain(55);
    expect(indices).not.toContain(0);
    // The ground begins two rows lower, and ends before the right half.
    const ground = { left: 0, top: 2, width: 5, height: 8 };
    expect(edgeIn([0, 20, 21, 29, 33], square, ground)).toEqual([
      { drawn: 20, ground: 0 },
      { drawn: 21, ground: 1 },
      { drawn: 33, ground: 8 },
    ]);
  });

  it('is that of the worst picture, and of its worst places', () => {
    const measure = (...grounds: Uint8Array[]): number => measuredContrast('#ffffff', edge, none, grounds);
    expect(measure(ground(() => 0))).toBeCloseTo(21);
    expect(
      measure(
        ground(() => 0),
        ground(() => 255),
      ),
    ).toBeCloseTo(1);
    expect(measure(ground((x) => (x < 3 ? 255 : 0)))).toBeCloseTo(1);
    expect(measure()).toBe(21);
  });

  it('counts what is drawn behind the letters', () => {
    const black: Pixels = { width: 10, data: Uint8Array.from({ length: 400 }, (_, at) => (at % 4 === 3 ? 255 : 0)) };
    expect(measuredContrast('#ffffff', edge, black, [ground(() => 255)])).toBeCloseTo(21);
  });
});

describe('stronger styles', () => {
  it('end with a contrast of at least 4.5 for any colour and look', () => {
    const color = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`);
    fc.assert(
      fc.property(color, fc.constantFrom(...Object.values(TEXT_STYLES)), (text, style) => {
        const styles = strongerStyles(style, text);
        expect(styles[0]).toBe(style);
        const { backing } = styles.at(-1) ?? style;
        expect(backing?.opacity).toBe(1);
        expect(contrast(text, backing?.color ?? text)).toBeGreaterThanOrEqual(4.5);
      }),
      // This colour has less with a black that is not quite black.
      { examples: [['#107bd1', TEXT_STYLES.classic]] },
    );
  });

  it('keep the background of a look when its colour is right', () => {
    const { clean, elegant } = TEXT_STYLES;
    expect(strongerStyles(clean, '#111111').at(-1)?.backing).toEqual({ ...clean.backing, opacity: 1 });
    expect(strongerStyles(elegant, '#fff4e0').map(({ backing }) => backing?.opacity)).toEqual([0.55, 0.6, 0.8, 1]);
    expect(strongerStyles(clean, '#ffffff').at(-1)?.backing?.color).toBe('#000000');
  });
});
