import { DRAWABLE_RANGES, encodeRanges } from '@clipmesh/contracts';
import { describe, expect, it } from '@jest/globals';
import { bundledFonts, emojiFonts } from './font.catalog.js';
import { chooseFonts, coverageOf } from './font.chooser.js';
import { readCoverage } from './font.cmap.js';

const fontOf = (grapheme: string, language = 'en'): string | undefined =>
  chooseFonts(bundledFonts('sans', 700, language), emojiFonts())
    .fontFor(grapheme)
    ?.path.replace(/^.*\//u, '')
    .replace(/(-\d+)?-wght-normal\.woff2$|-400-normal\.woff2$|\.ttf$/u, '');

describe('the font of a grapheme', () => {
  it.each([
    ['A', 'NotoSans_700Bold'],
    ['ř', 'NotoSans_700Bold'],
    ['x̂', 'NotoSans_700Bold'],
    ['Ж', 'NotoSans_700Bold'],
    ['Ω', 'NotoSans_700Bold'],
    ['ش', 'noto-sans-arabic-arabic'],
    ['שׁ', 'noto-sans-hebrew-hebrew'],
    ['क्षि', 'NotoSans_700Bold'],
    ['ที่', 'noto-sans-thai-thai'],
    ['চা', 'noto-sans-bengali-bengali'],
    ['문', 'noto-sans-kr'],
    ['♞', 'DejaVuSans-Bold'],
    ['→', 'noto-sans-sc'],
    ['🎉', 'noto-color-emoji-emoji'],
    ['👩‍👩‍👧‍👦', 'noto-color-emoji-emoji'],
    ['🇩🇪', 'noto-color-emoji-emoji'],
    ['1️⃣', 'noto-color-emoji-emoji'],
    ['1', 'NotoSans_700Bold'],
    ['❤️', 'noto-color-emoji-emoji'],
    ['❤︎', 'DejaVuSans-Bold'],
    ['\u{10ffff}', undefined],
  ])('%s', (grapheme, font) => {
    expect(fontOf(grapheme)).toBe(font);
  });

  it.each([
    ['ja', 'noto-sans-jp'],
    ['ko', 'noto-sans-kr'],
    ['zh', 'noto-sans-sc'],
    ['en', 'noto-sans-sc'],
  ])('that several languages share follows the language %s', (language, font) => {
    expect(fontOf('直', language)).toBe(font);
  });
});

it('the table of drawable characters is what the bundled fonts have', () => {
  const found = new Set<number>();
  for (const font of [...bundledFonts('sans', 700, 'en'), ...emojiFonts()])
    for (const code of coverageOf(font).codePoints())
      if (font.ranges?.some(([first, last]) => code >= first && code <= last) ?? true) found.add(code);
  expect(encodeRanges([...found].sort((a, b) => a - b))).toBe(DRAWABLE_RANGES);
});

describe('a font file', () => {
  it.each(['no font at all', ''])('is rejected when it is %j', (content) => {
    expect(() => readCoverage(Buffer.from(content))).toThrow();
  });
});
