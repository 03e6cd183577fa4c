/** How a font measures: the width of a text in pixels, and whether it can draw a character. */
export interface TextMeasure {
  width(text: string, size: number): number;
  has(character: string): boolean;
}
export interface TextLayout {
  readonly lines: readonly string[];
  readonly size: number;
}

/** Smaller is not text any more. */
const MIN_SIZE = 4;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The pieces of a word that fit, each as long as can be; at least one letter each, however narrow the box. */
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
 * Breaks a text into lines no wider than the box, inside a word where the word alone is wider; shrinks it while the block
 * is too high. Characters the font cannot draw are left out; no lines when nothing is left.
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

/** What no font draws and nobody misses: control and format characters, and what only chooses how another looks. */
const unseen = /[\p{Cc}\p{Cf}\s\ufe00-\ufe0f]/u;

/** The characters of a text that a font leaves out, each once. */
export function lostOf(text: string, font: Pick<TextMeasure, 'has'>): string[] {
  return [...new Set(Array.from(text).filter((character) => !unseen.test(character) && !font.has(character)))];
}

/** The font that leaves out the fewest characters of a text; of equals the first. Throws without any font. */
export function fontFor<Font extends Pick<TextMeasure, 'has'>>(text: string, fonts: readonly Font[]): Font {
  return fonts.reduce((best, font) => (lostOf(text, font).length < lostOf(text, best).length ? font : best));
}

/** Distance from one line to the next, px. */
export function lineHeight(size: number): number {
  return Math.round(size * 1.25);
}
