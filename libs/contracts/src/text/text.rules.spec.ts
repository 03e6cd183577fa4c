import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanText, controlCharacters, cutStart, cutText, isWellFormed } from './text.rules.js';

const FAMILY = '👨‍👩‍👧‍👦';
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const charactersOf = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);

describe('cutting a text', () => {
  it.each([
    ['keeps a text that fits', 'A lamp', 6, 'A lamp'],
    ['cuts between two words', 'A lamp for every balcony', 12, 'A lamp for…'],
    ['cuts inside a single word', 'x'.repeat(20), 10, `${'x'.repeat(9)}…`],
    ['cuts inside a word if the last space is far', `A ${'x'.repeat(20)}`, 10, `A ${'x'.repeat(7)}…`],
    ['cuts before an emoji of two units', 'abcdefgh😀😀', 10, 'abcdefgh…'],
    ['cuts before an emoji with a skin tone', 'abcdefg👍🏽 yes', 10, 'abcdefg…'],
    ['cuts before a joined emoji', `abcdef${FAMILY}`, 12, 'abcdef…'],
    ['cuts before a flag', 'abcdefg🇩🇪🇫🇷', 12, 'abcdefg🇩🇪…'],
    ['cuts before a letter with a combining mark', 'abcdefgh\u0065\u0301tude', 10, 'abcdefgh…'],
    ['cuts before a decomposed Hangul syllable', 'abcdefg\u1112\u1161\u11ab\u1112', 10, 'abcdefg…'],
    ['cuts before a Devanagari cluster', 'abcdefgh\u0928\u093f\u0930', 10, 'abcdefgh…'],
    ['cuts between Chinese characters', '一盏太阳能灯照亮每个阳台', 6, '一盏太阳能…'],
    ['leaves only the ellipsis', FAMILY, 5, '…'],
    ['leaves nothing', 'abc', 0, ''],
  ])('%s', (_what, text, max, cut) => {
    expect(cutText(text, max)).toBe(cut);
  });

  it.each([
    ['keeps a text that fits', 'A lamp', 6, 'A lamp'],
    ['keeps the end', 'line one\nline two', 9, '…line two'],
    ['drops half of an emoji', '😀😀abcdefgh', 10, '…abcdefgh'],
    ['drops a combining mark without its letter', 'xe\u0301bcdefghi', 10, '…bcdefghi'],
    ['leaves only the ellipsis', 'abc', 1, '…'],
  ])('from its start: %s', (_what, text, max, cut) => {
    expect(cutStart(text, max)).toBe(cut);
  });

  it('keeps whole graphemes of any text and stays within the limit', () => {
    const part = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(FAMILY, '🇩🇪', '👍🏽', 'e\u0301', 'नि', '\r\n', ' ', 'word '),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (pieces, max) => {
        const text = pieces.join('');
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

  it('cuts a text of a million characters without segmenting all of it', () => {
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
    expect(isWellFormed(cleaned) && !controlCharacters.test(cleaned)).toBe(true);
  });
});
