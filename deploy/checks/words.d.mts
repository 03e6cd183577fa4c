export interface ReplacedWord {
  /** From 1. */
  readonly line: number;
  readonly word: string;
  /** What to write instead. */
  readonly use: string;
}

/** The words of a text that docs/glossary.md replaces. */
export function findWords(text: string): ReplacedWord[];

/** One line for each such word in the pages and configuration files under `root`. */
export function wordErrors(root: string): string[];

/** Whether a file may have such words. `path`: from the root of the repository. */
export function isExempt(path: string): boolean;
