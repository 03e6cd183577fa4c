import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fontFor, layOut, lineHeight, missingCharacters, type TextMeasure } from './text.layout.js';

/** Every character is half as wide as high. There is no glyph for €. */
const font: TextMeasure = {
  width: (text, size) => Array.from(text).length * size * 0.5,
  has: (character) => character !== '€',
};
const box = { width: 100, height: 200 };
const lines = (text: string, size = 10): readonly string[] => layOut(text, size, box, font).lines;

describe('the layout of a text', () => {
  it.each<[string, string, string[]]>([
    ['puts a short text on one line', 'warm tea', ['warm tea']],
    ['breaks between words', 'a kettle that sings aloud', ['a kettle that sings', 'aloud']],
    ['breaks inside a word that is too wide', 'x'.repeat(45), ['x'.repeat(20), 'x'.repeat(20), 'x'.repeat(5)]],
    ['keeps line breaks', 'one\r\ntwo\nthree', ['one', 'two', 'three']],
    ['removes extra white space', '  one \t two  ', ['one two']],
    ['removes characters that the font lacks', '5 € a piece\u0007', ['5 a piece']],
    ['has no lines when no characters are left', ' € \n\n', []],
  ])('%s', (_name, text, wanted) => {
    expect(lines(text)).toEqual(wanted);
  });

  it('shrinks the text until it fits, down to the minimum size', () => {
    const text = 'word '.repeat(60);
    const { lines: block, size } = layOut(text, 40, box, font);
    expect(size).toBeLessThan(40);
    expect(block.length * lineHeight(size)).toBeLessThanOrEqual(box.height);
    expect(layOut('x'.repeat(2000), 40, box, font).size).toBe(4);
  });

  it('is never wider than the box, and keeps all drawable characters in order', () => {
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
    ['plain', 'the first font with all characters', 'latin'],
    ['日本 tea', 'a later font when the first lacks characters', 'all'],
    ['€', 'the first font when none has the character', 'none'],
  ])('%s takes %s', (text, _why, name) => {
    const fonts = text === '€' ? [none, latin, all] : [latin, none, all];
    expect(fontFor(text, fonts).name).toBe(name);
  });

  it.each<[string, string[]]>([
    ['tea', []],
    ['日日本', ['日', '本']],
    ['a b\n\u0007\ufe0f\u200d', []],
    ['5 🎉', ['🎉']],
  ])('reports for %j the missing characters %j', (text, lost) => {
    expect(missingCharacters(text, latin)).toEqual(lost);
  });
});
