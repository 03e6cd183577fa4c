/** The measures of a font: the width of a text in pixels, and whether it has a character. */
export interface TextMeasure {
  width(text: string, size: number): number;
  has(character: string): boolean;
}
export interface TextLayout {
  readonly lines: readonly string[];
  readonly size: number;
}

/** Minimum font size, px. */
const MIN_SIZE = 4;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Splits a word into the longest pieces that fit, of at least one grapheme each. */
function pieces(word: string, fits: (line: string) => boolean): string[] {
  if (fits(word)) return [word];
  const found: string[] = [];
  let piece = '';
  for (const { segment } of graphemes.segment(word)) {
    if (piece !== '' && !fits(piece + segment)) {
      found.push(piece);
      piece = '';
    }
    piece += segment;
  }
  return [...found, piece];
}

function wrap(words: readonly string[], fits: (line: string) => boolean): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words.flatMap((whole) => pieces(whole, fits))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || fits(longer)) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/**
 * Breaks a text into lines that fit in the box, inside a word only when the word alone is too wide. Reduces the size, down to 4 px,
 * until the lines fit. Omits characters that the font lacks. Has no lines when no characters are left.
 */
export function layOut(
  text: string,
  size: number,
  box: { width: number; height: number },
  font: TextMeasure,
): TextLayout {
  const paragraphs = text.split(/\r\n|\r|\n/u).map((line) =>
    line
      .split(/\s+/u)
      .map((word) =>
        Array.from(word)
          .filter((character) => drawable(character, font))
          .join(''),
      )
      .filter((word) => word !== ''),
  );
  const at = (px: number): string[] =>
    paragraphs.flatMap((words) => wrap(words, (line) => font.width(line, px) <= box.width));
  const tooBig = (lines: readonly string[], px: number): boolean =>
    lines.length * lineHeight(px) > box.height || lines.some((line) => font.width(line, px) > box.width);
  let fitted = size;
  let lines = at(fitted);
  while (fitted > MIN_SIZE && tooBig(lines, fitted)) {
    fitted -= 1;
    lines = at(fitted);
  }
  return { lines, size: fitted };
}

function drawable(character: string, font: TextMeasure): boolean {
  return !/\p{Cc}/u.test(character) && font.has(character);
}

/** Characters that need no glyph: control and format characters, white space and variation selectors. */
const invisible = /[\p{Cc}\p{Cf}\s\ufe00-\ufe0f]/u;

/** The distinct characters of a text that a font lacks. */
export function missingCharacters(text: string, font: Pick<TextMeasure, 'has'>): string[] {
  return [...new Set(Array.from(text).filter((character) => !invisible.test(character) && !font.has(character)))];
}

/** The first font that lacks the fewest characters of a text. Throws `TypeError` when `fonts` is empty. */
export function fontFor<Font extends Pick<TextMeasure, 'has'>>(text: string, fonts: readonly Font[]): Font {
  return fonts.reduce((best, font) =>
    missingCharacters(text, font).length < missingCharacters(text, best).length ? font : best,
  );
}

/** Distance from one line to the next, px. */
export function lineHeight(size: number): number {
  return Math.round(size * 1.25);
}
