/** A part of a paragraph that stays on one line, `[start, end)`. */
export interface Atom {
  readonly start: number;
  readonly end: number;
  /** A space follows, which is not drawn at the end of a line. */
  readonly space: boolean;
  /** A line that ends here shows a hyphen. */
  readonly hyphen: boolean;
}

/** Scripts that are written without spaces between words, and emoji. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Emoji_Presentation}\u3001-\u3003\u30fb\u30fc\uff01-\uff5e]/u;
/** Never begins a line: closing brackets, stops, small kana, marks that extend or combine. */
const NO_START =
  /^[\p{Pe}\p{Pf}\p{M}!%),.:;?\]}¢°’”‰†‡›℃∶、。々〉》」』】〕〗〙〜〞〟ぁぃぅぇぉっゃゅょゎゕゖ゛゜ゝゞァィゥェォッャュョヮヵヶ・ーヽヾ！％），．：；？］｝～ๆฯ\u2026]/u;
/** Never ends a line: opening brackets and currency signs. */
const NO_END = /[\p{Ps}\p{Pi}\p{Sc}#@‘“£$¥〈《「『【〔〖〘〝（［｛]$/u;
/** A line may end after these when a letter follows. */
const BREAK_AFTER = /[\p{L}\p{N}][-‐–—/]$/u;
/** Joins what is on both sides of it. */
const GLUE = /[\u00a0\u202f\u2060\ufeff\u2011\u200d]/u;
const SOFT_HYPHEN = '\u00ad';
const ZERO_WIDTH_SPACE = '\u200b';

function mayBreak(before: string, after: string): boolean {
  const [last = '', first = ''] = [Array.from(before).at(-1), Array.from(after)[0]];
  if (GLUE.test(last) || GLUE.test(first) || NO_START.test(after) || NO_END.test(before)) return false;
  if (BREAK_AFTER.test(before.slice(-3)) && /[\p{L}]/u.test(first)) return true;
  return UNSPACED.test(last) || UNSPACED.test(first);
}

/**
 * The parts of a paragraph between which a line may end: after spaces, soft hyphens and hyphens, and between the words of
 * scripts without spaces, as `Intl.Segmenter` finds them for the language.
 */
export function atomsOf(text: string, language: string): Atom[] {
  const words = new Intl.Segmenter(language, { granularity: 'word' });
  const atoms: Atom[] = [];
  let start = 0;
  const close = (end: number, next: number, more: { space: boolean; hyphen: boolean }): void => {
    if (end > start) atoms.push({ start, end, ...more });
    start = next;
  };
  for (const { 0: run, index } of text.matchAll(/[^ ]+/gu)) {
    start = index;
    let at = index;
    const pieces = run
      .split(/(?<=[\u00ad\u200b]|[\p{L}\p{N}][-‐–—/](?=\p{L}))/u)
      .flatMap((piece) =>
        UNSPACED.test(piece) ? Array.from(words.segment(piece), ({ segment }) => segment) : [piece],
      );
    for (const [position, piece] of pieces.entries()) {
      const previous = pieces[position - 1];
      if (previous?.endsWith(SOFT_HYPHEN) === true) close(at, at, { space: false, hyphen: true });
      else if (previous?.endsWith(ZERO_WIDTH_SPACE) === true) close(at, at, { space: false, hyphen: false });
      else if (previous !== undefined && mayBreak(text.slice(start, at), piece))
        close(at, at, { space: false, hyphen: false });
      at += piece.length;
    }
    close(at, at + 1, { space: true, hyphen: false });
  }
  return atoms;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Scripts that show a hyphen where a word breaks. */
const HYPHENATED = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}]/u;

/** Splits an atom into its graphemes, for a word that is too wide for a line by itself. */
export function graphemeAtoms(text: string, atom: Atom): Atom[] {
  const pieces = Array.from(graphemes.segment(text.slice(atom.start, atom.end)));
  return pieces.map(({ segment, index }, at) => {
    const next = pieces[at + 1];
    return {
      start: atom.start + index,
      end: atom.start + index + segment.length,
      space: next === undefined && atom.space,
      hyphen: next === undefined ? atom.hyphen : HYPHENATED.test(segment) && HYPHENATED.test(next.segment),
    };
  });
}
