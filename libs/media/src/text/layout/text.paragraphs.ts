import bidiFactory, { type Bidi } from 'bidi-js';

// The package is a CommonJS function, and its types describe an ES module.
const bidi = (bidiFactory as unknown as () => Bidi)();

/** A paragraph, whose base direction is that of its first letter. */
export interface Paragraph {
  readonly text: string;
  readonly direction: 'ltr' | 'rtl';
  /** The level of each UTF-16 unit in the bidirectional algorithm; odd: right to left. */
  readonly levels: Uint8Array;
}

/**
 * Splits a text into its paragraphs: composed (NFC), without control characters, with single spaces. Lines without a visible
 * character are left out. Soft hyphens stay: they mark where a word may break.
 */
export function paragraphsOf(text: string): Paragraph[] {
  return text
    .normalize('NFC')
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/u)
    .map((line) =>
      line
        .replace(/[\p{Zs}\t]+/gu, (space) => (space.includes('\u00a0') || space.includes('\u202f') ? '\u00a0' : ' '))
        .replace(/\p{Cc}/gu, '')
        .trim(),
    )
    .filter((line) => /[^\s\p{Default_Ignorable_Code_Point}]/u.test(line))
    .map((line) => {
      const { levels, paragraphs } = bidi.getEmbeddingLevels(line, 'auto');
      return { text: line, levels, direction: (paragraphs[0]?.level ?? 0) % 2 === 1 ? 'rtl' : 'ltr' };
    });
}
