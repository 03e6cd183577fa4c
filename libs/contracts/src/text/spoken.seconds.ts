/** Characters of a text that are spoken, by how long they can take. A character of no class is silent, or a pause. */
const CLASSES: readonly { readonly pattern: RegExp; readonly least: number; readonly most: number }[] = [
  // A character is a syllable.
  { pattern: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu, least: 1, most: 5 },
  // Part of a word, or of an abbreviation that is spelled.
  { pattern: /\p{Lu}/gu, least: 1, most: 5 },
  { pattern: /[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]/gu, least: 1, most: 1 },
  // Alone a word: "seven"; in a number several: "seven hundred thousand".
  { pattern: /\p{N}/gu, least: 1, most: 12 },
  // Read out as words, or skipped: "percent", "at".
  { pattern: /[\p{S}%&@#*/\\]/gu, least: 0, most: 12 },
  { pattern: /[.,;:!?…。、！？—–\n]/gu, least: 0, most: 4 },
];
/** Letters of the fastest and of the slowest voices in a second, at speed 1. Most voices speak 12 to 17. */
const LETTERS_PER_SECOND = { fastest: 40, slowest: 8 } as const;
/** Silence before and after the words. */
const SILENCE_SECONDS = 2;

/** How long the speech of a text may last, seconds: bounds that no voice of any language should leave. `speed`: 1 is normal. */
export function spokenSeconds(text: string, speed = 1): { readonly least: number; readonly most: number } {
  const sum = { least: 0, most: 0 };
  let rest = text.normalize('NFC');
  for (const { pattern, least, most } of CLASSES) {
    const count = rest.match(pattern)?.length ?? 0;
    rest = rest.replace(pattern, '');
    sum.least += count * least;
    sum.most += count * most;
  }
  return {
    least: sum.least / LETTERS_PER_SECOND.fastest / speed,
    most: SILENCE_SECONDS + sum.most / LETTERS_PER_SECOND.slowest / speed,
  };
}

/** Whether a text has a letter or a digit. Without one there is nothing to speak. */
export const isSpeakable = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);

/** The length of a text as providers count it: Unicode characters. */
export const countCharacters = (text: string): number => Array.from(text).length;
