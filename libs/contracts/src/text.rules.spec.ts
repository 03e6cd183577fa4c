import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanText, controlCharacters, cutStart, cutText, whole } from './text.rules.js';

const FAMILY = '👨‍👩‍👧‍👦';
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const charactersOf = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);

describe('cutting a text', () => {
  it.each([
    ['a text that fits', 'A lamp', 6, 'A lamp'],
    ['between two words', 'A lamp for every balcony', 12, 'A lamp for…'],
    ['inside a word that is alone', 'x'.repeat(20), 10, `${'x'.repeat(9)}…`],
    ['inside a word when the last space is far', `A ${'x'.repeat(20)}`, 10, `A ${'x'.repeat(7)}…`],
    ['before an emoji of two units', 'abcdefgh😀😀', 10, 'abcdefgh…'],
    ['before a skin tone', 'abcdefg👍🏽 yes', 10, 'abcdefg…'],
    ['before a family', `abcdef${FAMILY}`, 12, 'abcdef…'],
    ['before a flag', 'abcdefg🇩🇪🇫🇷', 12, 'abcdefg🇩🇪…'],
    ['before a combining mark', 'abcdefgh\u0065\u0301tude', 10, 'abcdefgh…'],
    ['before a Hangul syllable of parts', 'abcdefg\u1112\u1161\u11ab\u1112', 10, 'abcdefg…'],
    ['before a Devanagari cluster', 'abcdefgh\u0928\u093f\u0930', 10, 'abcdefgh…'],
    ['between Chinese characters', '一盏太阳能灯照亮每个阳台', 6, '一盏太阳能…'],
    ['to nothing but the sign', FAMILY, 5, '…'],
    ['to nothing', 'abc', 0, ''],
  ])('%s', (_what, text, max, cut) => {
    expect(cutText(text, max)).toBe(cut);
  });

  it.each([
    ['a text that fits', 'A lamp', 6, 'A lamp'],
    ['keeps the end', 'line one\nline two', 9, '…line two'],
    ['drops half of an emoji', '😀😀abcdefgh', 10, '…abcdefgh'],
    ['drops a combining mark without its letter', 'xe\u0301bcdefghi', 10, '…bcdefghi'],
    ['to nothing but the sign', 'abc', 1, '…'],
  ])('from its start: %s', (_what, text, max, cut) => {
    expect(cutStart(text, max)).toBe(cut);
  });

  it('keeps whole characters of any text, and no more than it may', () => {
    const part = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(FAMILY, '🇩🇪', '👍🏽', 'e\u0301', 'नि', '\r\n', ' ', 'word '),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (parts, max) => {
        const text = parts.join('');
        const characters = charactersOf(text);
        for (const cut of [cutText(text, max), cutStart(text, max)]) {
          expect(cut.length).toBeLessThanOrEqual(max);
          if (cut === text) continue;
          const kept = charactersOf(cut.replace(/^…|…$/gu, ''));
          const from = cut.startsWith('…') ? characters.length - kept.length : 0;
          expect(characters.slice(from, from + kept.length)).toEqual(kept);
        }
      }),
    );
  });

  it('cuts a text of a million characters by looking at the cut alone', () => {
    const long = 'word 😀 '.repeat(200_000);
    expect(cutText(long, 20)).toBe('word 😀 word 😀…');
    expect(cutStart(long, 20)).toBe('…😀 word 😀 word 😀 ');
  });
});

describe('cleaning a text', () => {
  it.each([
    ['a\u0000b', 'a b'],
    ['half \ud83d of one', 'half  of one'],
    ['whole 😀', 'whole 😀'],
    ['line\nline\ttab', 'line\nline\ttab'],
  ])('%j', (text, cleaned) => {
    expect(cleanText(text)).toBe(cleaned);
    expect(whole(cleaned) && !controlCharacters.test(cleaned)).toBe(true);
  });
});
