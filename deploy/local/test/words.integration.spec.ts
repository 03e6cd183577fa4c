import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Linter } from 'eslint';
// eslint-disable-next-line @nx/enforce-module-boundaries -- a plain script beside the packages, not one of them
import { findWords, wordErrors } from '../../checks/words.mjs';
// eslint-disable-next-line @nx/enforce-module-boundaries -- plain Node, as eslint.config.mjs reads it, so not a package
import { words } from '../../lint/words.rule.mjs';

/** A replaced word, written so that this file does not contain it. */
const REPLACED = ['mo', 'vie'].join('');
const CAPITAL = REPLACED.replace('m', 'M');

describe('a word that the glossary replaces', () => {
  it.each([`Download the ${REPLACED}.`, `see the ${CAPITAL}s`, `const last${CAPITAL}Url = 1;`])(
    'is found in %j',
    (text) => {
      expect(findWords(`first\n${text}`)).toEqual([{ line: 2, word: expect.stringContaining('ovie'), use: 'video' }]);
    },
  );

  it.each([`re${REPLACED}d`, 'a video', 'MoviePy'])('is not in %j', (text) => {
    expect(findWords(text)).toEqual([]);
  });

  it('fails the lint of code, with its line', () => {
    const config = { plugins: { words }, rules: { 'words/replaced': 'error' } } as const;
    const found = new Linter().verify(`const video = 1;\n// the ${REPLACED}\n`, [config]);
    expect(found).toMatchObject([
      { ruleId: 'words/replaced', line: 2, message: expect.stringContaining('write video') },
    ]);
  });

  describe('in a folder', () => {
    let root: string;
    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), 'clipmesh-words-'));
    });
    afterEach(() => {
      rmSync(root, { recursive: true, force: true });
    });
    const write = (path: string): void => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), `one\nthe ${REPLACED}\n`);
    };

    it.each(['README.md', 'docs/how-to/page.md', 'docker-compose.yml', '.env.example', 'deploy/Dockerfile'])(
      'is found in %s',
      (path) => {
        write(path);
        expect(wordErrors(root)).toEqual([`${path}:2: "${REPLACED}" → video (docs/glossary.md)`]);
      },
    );

    it('is not found in the glossary, in code, and in the files of others', () => {
      for (const path of ['docs/glossary.md', 'src/a.ts', 'node_modules/x/README.md', 'test/fixtures/a.md'])
        write(path);
      expect(wordErrors(root)).toEqual([]);
    });
  });
});
