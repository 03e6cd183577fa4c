import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Typesetter } from './line.tokens.js';
import { layOut, type LayoutOptions, type TextBlock } from './text.layout.js';

/** Every character is half as wide as high, and 0.8 high. There is no glyph for €; other scripts have a font of their own. */
const setter: Typesetter<string> = {
  fontFor: (grapheme) =>
    grapheme.includes('€') ? undefined : /\p{Script=Hebrew}/u.test(grapheme) ? 'hebrew' : 'latin',
  measure: (text) => ({ width: Array.from(text).length * 0.5, ascent: 0.8, descent: 0.2 }),
};
const options: LayoutOptions = {
  size: 10,
  box: { width: 100, height: 200 },
  align: 'center',
  lineHeight: 1.2,
  language: 'en',
};
const block = (text: string, more: Partial<LayoutOptions> = {}): TextBlock<string> =>
  layOut(text, { ...options, ...more }, setter);

/** The lines as they are seen from left to right. */
function lines(text: string, more: Partial<LayoutOptions> = {}): string[] {
  return block(text, more).lines.map(({ tokens }) =>
    tokens
      .map(({ text: part, isRightToLeft }) => (isRightToLeft ? Array.from(part).reverse().join('') : part))
      .join(''),
  );
}

describe('the layout of a text', () => {
  it.each<[string, string, string[]]>([
    ['puts a short text on one line', 'warm tea', ['warm tea']],
    ['makes lines even', 'a kettle that sings aloud', ['a kettle that', 'sings aloud']],
    ['keeps line breaks', 'one\r\ntwo\n\nthree', ['one', 'two', 'three']],
    ['removes extra white space', '  one \t two  ', ['one two']],
    ['composes letters', 'cafe\u0301', ['caf\u00e9']],
    ['hides a soft hyphen that is not needed', 'dough\u00adnut', ['doughnut']],
    ['breaks at a soft hyphen', 'a long doughnut\u00admachinery', ['a long doughnut‐', 'machinery']],
    [
      'keeps words together that a no-break space joins',
      'the price is 100\u00a0000 kr',
      ['the price is', '100\u00a0000 kr'],
    ],
    ['breaks after a hyphen', 'extraordinary-well-made', ['extraordinary-', 'well-made']],
    ['has no lines without visible characters', ' \u200b \n\u00ad\n', []],
    ['draws Hebrew from right to left', '\u05d0\u05d1 \u05d2\u05d3', ['\u05d3\u05d2 \u05d1\u05d0']],
    ['keeps numbers in Hebrew from left to right', '\u05d0\u05d1 120 \u05d2\u05d3', ['\u05d3\u05d2 120 \u05d1\u05d0']],
    ['lets each paragraph have its direction', '\u05d0\u05d1!\nab!', ['!\u05d1\u05d0', 'ab!']],
    ['begins with the first strong letter', '1. \u05d0\u05d1', ['\u05d1\u05d0 .1']],
  ])('%s', (_name, text, wanted) => {
    expect(lines(text)).toEqual(wanted);
  });

  it.each<[string, string, string, string[]]>([
    ['Japanese', 'ja', '静かな朝に一杯のお茶を、ゆっくりと。', ['静かな朝に一杯', 'のお茶を、', 'ゆっくりと。']],
    ['Thai', 'th', 'กาแฟสดคั่วใหม่ทุกวัน', ['กาแฟสดคั่ว', 'ใหม่ทุกวัน']],
    ['Korean', 'ko', '오늘도 따뜻한 차 한 잔을', ['오늘도 따뜻한', '차 한 잔을']],
  ])('breaks %s between words', (_name, language, text, wanted) => {
    const width = language === 'th' ? 60 : 40;
    const found = lines(text, { language, box: { width, height: 200 } });
    expect(found.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    expect(found).toEqual(wanted);
  });

  it('makes a word smaller that is too wide, and breaks it with a hyphen only when it would become tiny', () => {
    const wide = block('x'.repeat(25));
    expect([wide.lines.length, wide.size]).toEqual([1, 8]);
    const longer = lines('x'.repeat(60));
    expect(longer.length).toBeGreaterThan(1);
    expect(longer.slice(0, -1).every((line) => line.endsWith('‐'))).toBe(true);
    expect(longer.join('').replaceAll('‐', '')).toBe('x'.repeat(60));
  });

  it.each([
    ['start', 'ab', 0],
    ['center', 'ab', 20],
    ['end', 'ab', 40],
    ['start', '\u05d0\u05d1', 40],
    ['end', '\u05d0\u05d1', 0],
  ] as const)('aligns at the %s of %s', (align, text, left) => {
    expect(block(`${text}\nabcdefghij`, { align }).lines[0]?.left).toBe(left);
  });

  it('moves lines apart when marks are higher than the font', () => {
    const high = layOut('a\nb', options, {
      ...setter,
      measure: () => ({ width: 0.5, ascent: 1.5, descent: 0.5 }),
    });
    const [first, second] = high.lines;
    expect((second?.top ?? 0) - (first?.top ?? 0)).toBe(20);
  });

  it('numbers words, and not the parts of a word', () => {
    const { words, lines: found } = block('a dough\u00adnut \u05d0\u05d1');
    expect(words).toBe(3);
    expect(new Set(found.flatMap(({ tokens }) => tokens.map(({ word }) => word)))).toEqual(new Set([0, 1, 2]));
  });

  it('shrinks the text until it fits', () => {
    const { size, height } = block('word '.repeat(60), { size: 40 });
    expect(size).toBeLessThan(40);
    expect(height).toBeLessThanOrEqual(200);
  });

  it('never leaves the box, and keeps all drawable characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 6, max: 60 }), (text, size) => {
        const { lines: found, width, height } = block(text, { size });
        expect(width).toBeLessThanOrEqual(100.5);
        expect(height).toBeLessThanOrEqual(200);
        for (const line of found) expect(line.left + line.width).toBeLessThanOrEqual(width + 0.001);
        const kept = (some: string): string[] =>
          Array.from(some.normalize('NFC').replaceAll(/[^\S]|[€‐\p{Cc}\p{Default_Ignorable_Code_Point}]/gu, '')).sort();
        const drawn = found.flatMap(({ tokens }) => tokens.map(({ text: part }) => part)).join('');
        expect(kept(drawn)).toEqual(kept(text));
      }),
    );
  });
});
