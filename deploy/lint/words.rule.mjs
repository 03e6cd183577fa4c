// Lint rule for code: no word that docs/glossary.md replaces, in names, comments and texts.
import { join, relative } from 'node:path';
import { findWords, isExempt } from '../checks/words.mjs';

const ROOT = join(import.meta.dirname, '..', '..');

const replaced = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { replaced: 'The glossary replaces "{{word}}"; write {{use}} (docs/glossary.md).' },
  },
  create: (context) => ({
    Program() {
      if (isExempt(relative(ROOT, context.filename))) return;
      for (const { line, word, use } of findWords(context.sourceCode.text))
        context.report({ loc: { line, column: 0 }, messageId: 'replaced', data: { word, use } });
    },
  }),
};

/** @type {import('eslint').ESLint.Plugin} */
export const words = { rules: { replaced } };
