import { DRAWABLE_RANGES } from './drawable.table.js';

/** Ranges of code points as {@link DRAWABLE_RANGES} has them. `codePoints`: ascending. */
export function encodeRanges(codePoints: Iterable<number>): string {
  const ranges: { first: number; last: number }[] = [];
  for (const code of codePoints) {
    const last = ranges.at(-1);
    if (last?.last === code - 1) last.last = code;
    else ranges.push({ first: code, last: code });
  }
  return ranges
    .map(({ first, last }, index) => {
      const distance = (first - (ranges[index - 1]?.last ?? 0)).toString(36);
      return last === first ? distance : `${distance}-${(last - first).toString(36)}`;
    })
    .join(' ');
}

function decodeRanges(text: string): Set<number> {
  const found = new Set<number>();
  let at = 0;
  for (const range of text.split(' ')) {
    const [distance = '', more = '0'] = range.split('-');
    at += Number.parseInt(distance, 36);
    for (let left = Number.parseInt(more, 36); left >= 0; left -= 1) found.add(at + left);
    at += Number.parseInt(more, 36);
  }
  return found;
}

let drawable: Set<number> | undefined;
/** Needs no glyph: white space, control characters, joiners, selectors, marks of direction. */
const INVISIBLE = /[\s\p{Cc}\p{Default_Ignorable_Code_Point}]/u;

const isDrawable = (character: string): boolean =>
  INVISIBLE.test(character) || (drawable ??= decodeRanges(DRAWABLE_RANGES)).has(character.codePointAt(0) ?? 0);

/** The distinct characters of a text that no bundled font has, in the order of the text. */
export function undrawableIn(text: string): string[] {
  return [...new Set(Array.from(text.normalize('NFC')).filter((character) => !isDrawable(character)))];
}

/** A text without the characters that no bundled font has, and without the spaces that they leave. */
export function drawableText(text: string): string {
  if (undrawableIn(text).length === 0) return text;
  return Array.from(text.normalize('NFC')).filter(isDrawable).join('').replace(/\s+/gu, ' ').trim();
}
