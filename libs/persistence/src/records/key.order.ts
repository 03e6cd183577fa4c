/** Sorts records by key, in JavaScript's order of strings. MongoDB's order differs. */
export const byKey = (a: { readonly key: string }, b: { readonly key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;

/** Sorts records by their ISO 8601 time in UTC, then by key. */
export const byTime = (
  a: { readonly at: string; readonly key: string },
  b: { readonly at: string; readonly key: string },
): number => Date.parse(a.at) - Date.parse(b.at) || byKey(a, b);
