import { type Atom, atomsOf, graphemeAtoms } from './line.atoms.js';
import { type Span, type Token, tokensOf, type Typesetter, widthOf } from './line.tokens.js';
import { type Paragraph, paragraphsOf } from './text.paragraphs.js';

/** A token at its place: `x` is its left edge and `y` its baseline, px within the block. */
export interface PlacedToken<F> extends Token<F> {
  readonly x: number;
  readonly y: number;
}
export interface PlacedLine<F> {
  readonly tokens: readonly PlacedToken<F>[];
  /** The box of the line in the block, px: as wide as its text, as high as its ink or its font. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
export interface TextBlock<F> {
  readonly lines: readonly PlacedLine<F>[];
  /** Size of the font, px. */
  readonly size: number;
  readonly width: number;
  readonly height: number;
  /** Number of words; tokens name theirs. */
  readonly words: number;
}
export interface LayoutOptions {
  /** Wanted size, px. */
  readonly size: number;
  /** The block is no larger than this, px. */
  readonly box: { readonly width: number; readonly height: number };
  /** `start` is left for a paragraph from left to right, else right. */
  readonly align: 'start' | 'center' | 'end';
  /** Distance of baselines, in sizes. Marks that are higher push lines apart. */
  readonly lineHeight: number;
  /** Language of the text, BCP 47. */
  readonly language: string;
}

/** Minimum size, px. */
const MIN_SIZE = 4;
/** A word that is too wide makes the text smaller, down to this share of the wanted size; below it, the word breaks. */
const WHOLE_WORD_SHARE = 0.6;
/** Height of a line without higher ink, in sizes. */
const ASCENT = 0.92;
const DESCENT = 0.26;

interface Measured {
  readonly paragraph: Paragraph;
  readonly atoms: readonly (Atom & { readonly width: number; readonly hyphenWidth: number })[];
  readonly wordAt: (index: number) => number;
}
const SPACE = 0.26;

/** The atoms of a paragraph with their widths, and the words that they make. Soft hyphens do not part a word. */
function measured<F>(
  paragraph: Paragraph,
  atoms: readonly Atom[],
  firstWord: number,
  setter: Typesetter<F>,
): Measured & { readonly words: number } {
  const starts: number[] = [];
  let continues = false;
  for (const { start, hyphen } of atoms) {
    if (!continues) starts.push(start);
    continues = hyphen;
  }
  const wordAt = (index: number): number =>
    firstWord +
    Math.max(
      0,
      starts.findLastIndex((start) => start <= index),
    );
  const width = (span: Span): number => widthOf(tokensOf(paragraph, span, wordAt, setter));
  return {
    paragraph,
    wordAt,
    words: starts.length,
    atoms: atoms.map((atom) => ({
      ...atom,
      width: width({ ...atom, hyphen: false }),
      hyphenWidth: atom.hyphen ? width({ ...atom, hyphen: true }) : 0,
    })),
  };
}

/** Lines of whole atoms that are at most `width` wide (in sizes). Undefined: an atom alone is wider. */
function wrap({ atoms }: Measured, width: number, space: number): Span[] | undefined {
  const lines: Span[] = [];
  let [start, used] = [0, 0];
  for (const [index, atom] of atoms.entries()) {
    const previous = atoms[index - 1];
    const gap = index > start && previous?.space === true ? space : 0;
    const whole = atom.hyphen ? Math.max(atom.width, atom.hyphenWidth) : atom.width;
    if (index > start && used + gap + whole > width) {
      lines.push(lineOf(atoms, start, index));
      [start, used] = [index, 0];
    } else used += gap;
    if (whole > width && index === start) return undefined;
    used += atom.width;
  }
  return [...lines, lineOf(atoms, start, atoms.length)];
}

const lineOf = (atoms: Measured['atoms'], from: number, to: number): Span => ({
  start: atoms[from]?.start ?? 0,
  end: atoms[to - 1]?.end ?? 0,
  hyphen: to < atoms.length && atoms[to - 1]?.hyphen === true,
});

/** As few lines as fit, then as narrow as that number of lines allows, so that no word stands alone on the last one. */
function balanced(text: Measured, width: number, space: number): Span[] | undefined {
  const lines = wrap(text, width, space);
  if (lines === undefined || lines.length === 1) return lines;
  let [low, high, best] = [width / lines.length / 2, width, lines];
  for (let step = 0; step < 12; step += 1) {
    const middle = (low + high) / 2;
    const tried = wrap(text, middle, space);
    if (tried?.length === lines.length) [high, best] = [middle, tried];
    else low = middle;
  }
  return best;
}

/**
 * Lays a text out in a box: paragraphs in their own direction, lines as even as possible, each grapheme in the first font that
 * has it. The text becomes smaller until it fits. A word breaks only when it is too wide for a line by itself; nothing is lost.
 * A text without a visible character has no lines.
 */
export function layOut<F>(text: string, options: LayoutOptions, setter: Typesetter<F>): TextBlock<F> {
  const { language, box, size } = options;
  let words = 0;
  const paragraphs = paragraphsOf(text).map((paragraph) => {
    const found = measured(paragraph, atomsOf(paragraph.text, language), words, setter);
    words += found.words;
    return found;
  });
  const spaceFont = setter.fontFor(' ');
  const space = spaceFont === undefined ? SPACE : setter.measure(' ', spaceFont, false).width;
  const broken = paragraphs.map((each) => ({
    ...each,
    atoms: each.atoms.flatMap((atom) =>
      graphemeAtoms(each.paragraph.text, atom).map((part) => {
        const width = (hyphen: boolean): number =>
          widthOf(tokensOf(each.paragraph, { ...part, hyphen }, each.wordAt, setter));
        return { ...part, width: width(false), hyphenWidth: part.hyphen ? width(true) : 0 };
      }),
    ),
  }));
  for (let px = size; ; px -= 1) {
    const isLast = px <= MIN_SIZE;
    for (const texts of px > size * WHOLE_WORD_SHARE && !isLast
      ? [paragraphs]
      : [paragraphs, mixed(paragraphs, broken, box.width / px)]) {
      const block = place(texts, { ...options, size: Math.max(px, MIN_SIZE) }, space, words, setter, isLast);
      if (block !== undefined) return block;
    }
    if (isLast) return { lines: [], size: MIN_SIZE, width: 0, height: 0, words };
  }
}

/** Paragraphs in which the words that are wider than a line are split into graphemes. */
function mixed(whole: readonly Measured[], broken: readonly Measured[], width: number): Measured[] {
  return whole.map((each, index) => ({
    ...each,
    atoms: each.atoms.flatMap((atom) =>
      Math.max(atom.width, atom.hyphenWidth) <= width
        ? [atom]
        : (broken[index]?.atoms.filter(({ start }) => start >= atom.start && start < atom.end) ?? []),
    ),
  }));
}

/** The block of a size. Undefined: it does not fit, unless `anyway`. */
function place<F>(
  paragraphs: readonly Measured[],
  { size, box, align, lineHeight }: LayoutOptions,
  space: number,
  words: number,
  setter: Typesetter<F>,
  anyway: boolean,
): TextBlock<F> | undefined {
  const rows: { tokens: Token<F>[]; direction: 'ltr' | 'rtl'; width: number; ascent: number; descent: number }[] = [];
  for (const each of paragraphs) {
    const spans = balanced(each, box.width / size, space);
    if (spans === undefined) return undefined;
    for (const span of spans) {
      const tokens = tokensOf(each.paragraph, span, each.wordAt, setter);
      const heights = tokens.map(({ metrics }) => metrics);
      rows.push({
        tokens,
        direction: each.paragraph.direction,
        width: widthOf(tokens) * size,
        ascent: Math.max(ASCENT, ...heights.map(({ ascent }) => ascent)) * size,
        descent: Math.max(DESCENT, ...heights.map(({ descent }) => descent)) * size,
      });
    }
  }
  const width = Math.max(0, ...rows.map((row) => row.width));
  const lines: PlacedLine<F>[] = [];
  let [bottom, previous] = [0, undefined as { baseline: number } | undefined];
  for (const row of rows) {
    const baseline = Math.max(bottom + row.ascent, (previous?.baseline ?? -Infinity) + lineHeight * size);
    const isLeft = align === 'center' ? undefined : (align === 'start') === (row.direction === 'ltr');
    const left = isLeft === undefined ? (width - row.width) / 2 : isLeft ? 0 : width - row.width;
    let x = left;
    const tokens = row.tokens.map((token) => {
      const placed = { ...token, x, y: baseline };
      x += token.metrics.width * size;
      return placed;
    });
    const height = row.ascent + row.descent;
    lines.push({ tokens, left, top: baseline - row.ascent, width: row.width, height });
    bottom = baseline + row.descent;
    previous = { baseline };
  }
  if (!anyway && (width > box.width + 0.5 || bottom > box.height)) return undefined;
  return { lines, size, width, height: bottom, words };
}
