/** Maximum length of a compared word: the time grows with the product of both lengths. */
const MAX_CHARACTERS = 64;

/** The word in lower case without separators: `Duration_Seconds` equals `durationSeconds`. */
const plain = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** Number of inserted, removed, replaced and swapped characters between two words (optimal string alignment). */
export function editDistance(from: string, to: string): number {
  const [a, b] = [Array.from(from), Array.from(to)];
  let twoBack: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, at) => at);
  a.forEach((left, i) => {
    const row = [i + 1];
    b.forEach((right, j) => {
      const same = (before[j] ?? 0) + (left === right ? 0 : 1);
      const best = Math.min(same, (before[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1);
      const swapped = i > 0 && j > 0 && left === b[j - 1] && a[i - 1] === right;
      row.push(swapped ? Math.min(best, (twoBack[j - 1] ?? 0) + 1) : best);
    });
    [twoBack, before] = [before, row];
  });
  return before[b.length] ?? 0;
}

/**
 * The candidate that was probably meant: at most one error in three letters, or the only candidate that starts with the word.
 * Undefined when none is close.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const given = plain(word);
  if (given === '' || given.length > MAX_CHARACTERS) return undefined;
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(given, plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  if (best !== undefined && best.distance <= Math.ceil(Math.min(given.length, plain(best.candidate).length) / 3))
    return best.candidate;
  const longer = given.length < 4 ? [] : candidates.filter((candidate) => plain(candidate).startsWith(given));
  return longer.length === 1 ? longer[0] : undefined;
}

/** `; did you mean NAME?`, or nothing when no candidate is close. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const meant = closest(word, candidates);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}
