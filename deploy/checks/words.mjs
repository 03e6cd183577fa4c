// node deploy/checks/words.mjs: fails when a page or a configuration file has a word that docs/glossary.md replaces. The lint
// rule words/replaced finds these words in code.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, printError, readCommandLine } from '../local/command.line.mjs';
import { EXEMPT_FILES, KEPT_NAMES, REPLACED_WORDS } from './words.table.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const KINDS = /(\.md|\.yml|\.conf|^\.env\.example|^Dockerfile)$/;
/** Folders of other people's files and of generated files. */
const SKIPPED = new Set(['node_modules', 'dist', '.git', '.nx', '.clipmesh', 'out', 'coverage']);

export const isExempt = (path) => EXEMPT_FILES.some((exempt) => exempt.test(path));

export function findWords(text) {
  return text.split('\n').flatMap((full, index) => {
    const line = full.replace(KEPT_NAMES, '');
    // A camel-case name is checked word by word.
    const words = line.replace(/([a-z0-9])([A-Z])/g, '$1 $2');
    return REPLACED_WORDS.flatMap(({ find, use }) => {
      const found = find.exec(line) ?? find.exec(words);
      return found === null ? [] : [{ line: index + 1, word: found[0], use }];
    });
  });
}

/** The pages and configuration files, as paths from `root`. */
function filesIn(root, folder = '') {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesIn(root, path);
    return entry.isFile() && KINDS.test(entry.name) && !isExempt(path) ? [path] : [];
  });
}

export function wordErrors(root) {
  return filesIn(root).flatMap((file) =>
    findWords(readFileSync(join(root, file), 'utf8')).map(
      ({ line, word, use }) => `${file}:${line}: "${word}" → ${use} (docs/glossary.md)`,
    ),
  );
}

function main(args) {
  const does = 'Fails when a page or a configuration file has a word that docs/glossary.md replaces.';
  readCommandLine(commandLine('node deploy/checks/words.mjs', does), args);
  const errors = wordErrors(ROOT);
  for (const error of errors) console.error(error);
  return errors.length === 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    process.exitCode = printError(error);
  }
}
