/** Sorts records by key, in JavaScript's order of strings. MongoDB's order differs. */
export const byKey = (a: { readonly key: string }, b: { readonly key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
