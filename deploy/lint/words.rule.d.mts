import { type ESLint } from 'eslint';

/** The rule `replaced` refuses words that docs/glossary.md replaces. */
export const words: ESLint.Plugin;
