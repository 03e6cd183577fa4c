/** The language of a script that one language mostly uses. */
const SCRIPTS = [
  ['en', /\p{Script=Latin}/gu],
  ['ru', /\p{Script=Cyrillic}/gu],
  ['el', /\p{Script=Greek}/gu],
  ['ar', /\p{Script=Arabic}/gu],
  ['he', /\p{Script=Hebrew}/gu],
  ['hi', /\p{Script=Devanagari}/gu],
  ['bn', /\p{Script=Bengali}/gu],
  ['ta', /\p{Script=Tamil}/gu],
  ['te', /\p{Script=Telugu}/gu],
  ['gu', /\p{Script=Gujarati}/gu],
  ['kn', /\p{Script=Kannada}/gu],
  ['ml', /\p{Script=Malayalam}/gu],
  ['pa', /\p{Script=Gurmukhi}/gu],
  ['si', /\p{Script=Sinhala}/gu],
  ['th', /\p{Script=Thai}/gu],
  ['ka', /\p{Script=Georgian}/gu],
  ['hy', /\p{Script=Armenian}/gu],
  ['am', /\p{Script=Ethiopic}/gu],
  ['my', /\p{Script=Myanmar}/gu],
  ['ko', /\p{Script=Hangul}/gu],
  ['zh', /\p{Script=Han}/gu],
] as const;
/** Texts of every script contain names in Latin letters, so these count less. */
const LATIN_WEIGHT = 0.5;
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;

/**
 * The probable language of a text by its most frequent script, BCP 47. Latin script, and a text without letters, count as English.
 * Undefined: no language is known for the script.
 */
export function languageOf(text: string): string | undefined {
  // Japanese mixes kana with Han; no other language has kana.
  if (KANA.test(text)) return 'ja';
  const counts = SCRIPTS.map(([language, pattern]) => ({
    language,
    count: (text.match(pattern)?.length ?? 0) * (language === 'en' ? LATIN_WEIGHT : 1),
  }));
  const best = counts.reduce((most, each) => (each.count > most.count ? each : most));
  return best.count === 0 && /\p{L}/u.test(text) ? undefined : best.language;
}
