import { readFileSync } from 'node:fs';
import { type FontFile } from './font.catalog.js';
import { type Coverage, readCoverage } from './font.cmap.js';

/** Shown as a picture by default, or asked to be: flags, joined emoji, and characters with the emoji selector. */
const PICTURE = /\p{Emoji_Presentation}|\p{RI}|\ufe0f|\u20e3/u;
/** The selector that asks for a plain character. */
const PLAIN = /\ufe0e/u;
/** Needs no glyph: joiners, selectors, marks of direction, soft hyphens. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cc}]/u;

export interface FontChooser {
  /** The font that draws a whole grapheme, so that marks stay on their letter. Undefined: no font has it. */
  fontFor(grapheme: string): FontFile | undefined;
}

const coverages = new Map<string, Coverage>();

/** What a font file covers. Each file is read once. */
export function coverageOf({ path }: Pick<FontFile, 'path'>): Coverage {
  let coverage = coverages.get(path);
  if (coverage === undefined) coverages.set(path, (coverage = readCoverage(readFileSync(path))));
  return coverage;
}

function covers(font: FontFile, codePoints: readonly number[]): boolean {
  const { ranges } = font;
  const isPossible =
    ranges === undefined || codePoints.every((code) => ranges.some(([first, last]) => code >= first && code <= last));
  return isPossible && codePoints.every((code) => coverageOf(font).has(code));
}

/** Chooses fonts by what they cover. Emoji come from `emoji`, and from it also what no other font has. */
export function chooseFonts(fonts: readonly FontFile[], emoji: readonly FontFile[]): FontChooser {
  const chosen = new Map<string, FontFile | undefined>();
  const find = (grapheme: string): FontFile | undefined => {
    const codePoints = Array.from(grapheme)
      .filter((character) => !INVISIBLE.test(character))
      .map((character) => character.codePointAt(0) ?? 0);
    const isPicture = PICTURE.test(grapheme) && !PLAIN.test(grapheme);
    const order = isPicture ? [...emoji, ...fonts] : [...fonts, ...emoji];
    const whole = order.find((font) => covers(font, codePoints));
    const hasAll = codePoints.every((code) => order.some((font) => covers(font, [code])));
    // No font has a letter and its rare mark: Skia takes the mark from another font.
    return whole ?? (hasAll ? order.find((font) => covers(font, codePoints.slice(0, 1))) : undefined);
  };
  return {
    fontFor(grapheme) {
      if (!chosen.has(grapheme)) chosen.set(grapheme, find(grapheme));
      return chosen.get(grapheme);
    },
  };
}
