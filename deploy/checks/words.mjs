// node deploy/checks/words.mjs: fails when a tracked file has a word that docs/glossary.md replaces.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXEMPT_FILES, KEPT_NAMES, REPLACED_WORDS } from './words.table.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const KINDS = ['*.ts', '*.tsx', '*.mjs', '*.md', '*.yml', '*.conf', '.env.example', 'deploy/Dockerfile'];

/** The findings in one text, as `line: word → use`. Pure. */
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

if (process.argv[1] === import.meta.filename) {
  const files = execFileSync('git', ['ls-files', '-z', ...KINDS], { cwd: ROOT, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && !EXEMPT_FILES.some((exempt) => exempt.test(file)));
  let count = 0;
  for (const file of files) {
    for (const { line, word, use } of findWords(readFileSync(join(ROOT, file), 'utf8'))) {
      count += 1;
      console.error(`${file}:${line}: "${word}" → ${use} (docs/glossary.md)`);
    }
  }
  if (count > 0) process.exitCode = 1;
}
