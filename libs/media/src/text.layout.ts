/** Width of a text in pixels at a size. */
export type Measure = (text: string, sizePx: number) => number;

/** Text takes at most this share of the picture's width. */
const WIDTH_SHARE = 0.9;
const LEAST_SIZE_PX = 12;

export interface TextLayout {
  readonly lines: readonly string[];
  readonly sizePx: number;
}

/**
 * Wraps at spaces to 90 % of the width. Points are pixels at 720 lines on the short side; the text shrinks when a single
 * word is too wide, and is cut when it is too wide even at 12 px.
 */
export function layoutText(
  text: string,
  picture: { width: number; height: number },
  fontSizePt: number,
  measure: Measure,
): TextLayout {
  const limit = picture.width * WIDTH_SHARE;
  const words = text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .split(/\s+/u)
    .filter((word) => word !== '');
  let sizePx = Math.max(LEAST_SIZE_PX, Math.round((fontSizePt * Math.min(picture.width, picture.height)) / 720));
  while (sizePx > LEAST_SIZE_PX && words.some((word) => measure(word, sizePx) > limit)) sizePx -= 1;
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && measure(`${last} ${word}`, sizePx) <= limit) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(cut(word, (part) => measure(part, sizePx) <= limit));
  }
  return { lines, sizePx };
}

function cut(word: string, fits: (part: string) => boolean): string {
  let characters = [...word];
  while (characters.length > 1 && !fits(characters.join(''))) characters = characters.slice(0, -1);
  return characters.join('');
}
