/** How a font measures: the width of a text in pixels, and whether it can draw a character. */
export interface TextMeasure {
  width(text: string, size: number): number;
  has(character: string): boolean;
}
export interface TextLayout {
  readonly lines: readonly string[];
  readonly size: number;
}

function wrap(words: readonly string[], fits: (line: string) => boolean): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
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
 * Breaks a text into lines no wider than `maxWidth`; shrinks it while a word is too wide or the block too high.
 * Characters the font cannot draw are left out; no lines when nothing is left.
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
      .map((word) => Array.from(word).filter((character) => font.has(character)).join(''))
      .filter((word) => word !== ''),
  );
  const widest = Math.max(0, ...paragraphs.flat().map((word) => font.width(word, size)));
  let fitted = widest > box.width ? Math.max(4, Math.floor((size * box.width) / widest)) : size;
  const at = (px: number): string[] =>
    paragraphs.flatMap((words) => wrap(words, (line) => font.width(line, px) <= box.width));
  while (fitted > 4 && at(fitted).length * lineHeight(fitted) > box.height) fitted -= 1;
  return { lines: at(fitted), size: fitted };
}

/** Distance from one line to the next, px. */
export function lineHeight(size: number): number {
  return Math.round(size * 1.25);
}
