import { type Paragraph } from './text.paragraphs.js';

/** How large a text is, per size of 1: widths and heights in pixels of a text of 1 px. */
export interface TextMetrics {
  readonly width: number;
  /** From the baseline up to the highest and down to the lowest ink. */
  readonly ascent: number;
  readonly descent: number;
}

/** What the layout asks of fonts. `F` identifies a font. */
export interface Typesetter<F> {
  /** The font that draws a whole grapheme. Undefined: none has it. */
  fontFor(grapheme: string): F | undefined;
  measure(text: string, font: F, isRightToLeft: boolean): TextMetrics;
}

/** A part of a line in one font, one direction and one word. */
export interface Token<F> {
  readonly text: string;
  readonly font: F;
  readonly isRightToLeft: boolean;
  /** The number of the word in the whole text, in reading order. */
  readonly word: number;
  readonly metrics: TextMetrics;
}

/** A line as a part of its paragraph, `[start, end)`, without the space at its end. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** It ends in a hyphen that the paragraph has not. */
  readonly hyphen: boolean;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const HYPHENS = ['‐', '-'] as const;

interface Run<F> {
  text: string;
  readonly font: F;
  readonly level: number;
  readonly word: number;
}

/**
 * The tokens of a line from left to right, as the bidirectional algorithm orders them. `wordAt` numbers the word of each
 * position. A grapheme that no font has is left out; texts are checked before.
 */
export function tokensOf<F>(
  paragraph: Paragraph,
  span: Span,
  wordAt: (index: number) => number,
  setter: Typesetter<F>,
): Token<F>[] {
  const runs: Run<F>[] = [];
  const add = (text: string, font: F | undefined, level: number, word: number): void => {
    if (font === undefined) return;
    const last = runs.at(-1);
    if (last?.font === font && last.level === level && last.word === word) last.text += text;
    else runs.push({ text, font, level, word });
  };
  for (const { segment, index } of graphemes.segment(paragraph.text.slice(span.start, span.end))) {
    const at = span.start + index;
    const text = segment.replaceAll(/[\u00ad\u200b\u2060\ufeff]/gu, '');
    if (text !== '') add(text, setter.fontFor(text), paragraph.levels[at] ?? 0, wordAt(at));
  }
  const last = runs.at(-1);
  if (span.hyphen && last !== undefined) {
    const hyphen = HYPHENS.find((one) => setter.fontFor(one) === last.font) ?? '-';
    add(hyphen, setter.fontFor(hyphen), last.level, last.word);
  }
  return inVisualOrder(runs).map(({ text, font, level, word }) => {
    const isRightToLeft = level % 2 === 1;
    return { text, font, isRightToLeft, word, metrics: setter.measure(text, font, isRightToLeft) };
  });
}

/** Rule L2: from the highest level to the lowest odd one, reverse each sequence of that level or higher. */
function inVisualOrder<F>(runs: readonly Run<F>[]): Run<F>[] {
  const ordered = [...runs];
  const highest = Math.max(0, ...runs.map(({ level }) => level));
  for (let level = highest; level > 0; level -= 1) {
    for (let from = 0; from < ordered.length; from += 1) {
      let to = from;
      while ((ordered[to]?.level ?? -1) >= level) to += 1;
      if (to === from) continue;
      ordered.splice(from, to - from, ...ordered.slice(from, to).reverse());
      from = to;
    }
  }
  return ordered;
}

export const widthOf = (tokens: readonly { readonly metrics: TextMetrics }[]): number =>
  tokens.reduce((sum, { metrics }) => sum + metrics.width, 0);
