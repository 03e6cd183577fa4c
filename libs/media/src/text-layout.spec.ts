import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fontFor, layOut, lineHeight, lostOf, type TextMeasure } from './text-layout.js';

/** Every character is as wide as half its height; there is no glyph for €. */
const font: TextMeasure = {
  width: (text, size) => Array.from(text).length * size * 0.5,
  has: (character) => character !== '€',
};
const box = { width: 100, height: 200 };
const lines = (text: string, size = 10): readonly string[] => layOut(text, size, box, font).lines;

describe('a text in its box', () => {
  it.each<[string, string, string[]]>([
    ['fits on a line', 'warm tea', ['warm tea']],
    ['breaks between words', 'a kettle that sings aloud', ['a kettle that sings', 'aloud']],
    ['breaks inside a word that alone is too wide', 'x'.repeat(45), ['x'.repeat(20), 'x'.repeat(20), 'x'.repeat(5)]],
    ['keeps its own line ends', 'one\r\ntwo\nthree', ['one', 'two', 'three']],
    ['loses white space', '  one \t two  ', ['one two']],
    ['loses what the font cannot draw', '5 € a piece\u0007', ['5 a piece']],
    ['is nothing when nothing is left', ' € \n\n', []],
  ])('%s', (_name, text, wanted) => {
    expect(lines(text)).toEqual(wanted);
  });

  it('shrinks until the block fits, never below what can be read', () => {
    const text = 'word '.repeat(60);
    const { lines: block, size } = layOut(text, 40, box, font);
    expect(size).toBeLessThan(40);
    expect(block.length * lineHeight(size)).toBeLessThanOrEqual(box.height);
    expect(layOut('x'.repeat(2000), 40, box, font).size).toBe(4);
  });

  it('is never wider than the box, loses no drawable character and keeps their order', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 6, max: 60 }), (text, wanted) => {
        const { lines: block, size } = layOut(text, wanted, box, font);
        for (const line of block) expect(font.width(line, size)).toBeLessThanOrEqual(box.width);
        const kept = (some: string): string =>
          Array.from(some)
            .filter((one) => !/[\s\p{Cc}]/u.test(one) && font.has(one))
            .join('');
        expect(kept(block.join(''))).toBe(kept(text));
      }),
    );
  });
});

describe('the font of a text', () => {
  const latin = { name: 'latin', has: (character: string) => /[a-zA-Z0-9]/.test(character) };
  const all = { name: 'all', has: (character: string) => character !== '€' };
  const none = { name: 'none', has: () => false };

  it.each([
    ['plain', 'the first that has everything', 'latin'],
    ['日本 tea', 'another, for what the first lacks', 'all'],
    ['€', 'the first, when none has it', 'none'],
  ])('%s takes %s', (text, _why, name) => {
    const fonts = text === '€' ? [none, latin, all] : [latin, none, all];
    expect(fontFor(text, fonts).name).toBe(name);
  });

  it.each<[string, string[]]>([
    ['tea', []],
    ['日日本', ['日', '本']],
    ['a b\n\u0007\ufe0f\u200d', []],
    ['5 🎉', ['🎉']],
  ])('%j without its font loses %j', (text, lost) => {
    expect(lostOf(text, latin)).toEqual(lost);
  });
});
