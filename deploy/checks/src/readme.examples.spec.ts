import { expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const EXAMPLE = /^```ts\n(.*?)^```$/gms;

/** The examples of every library by the path of a module next to the README. Its line numbers are those of the README. */
function readExamples(): Map<string, string> {
  const examples = new Map<string, string>();
  for (const library of readdirSync(join(ROOT, 'libs'))) {
    const readme = join(ROOT, 'libs', library, 'README.md');
    if (!existsSync(readme)) continue;
    const text = readFileSync(readme, 'utf8');
    for (const { index, 1: code = '' } of text.matchAll(EXAMPLE)) {
      const lines = text.slice(0, index).split('\n').length;
      examples.set(`${readme}.${lines}.ts`, '\n'.repeat(lines) + code);
    }
  }
  return examples;
}

/** The problems of modules that are not on disk, as `file:line: message`. */
function problemsOf(modules: ReadonlyMap<string, string>): string[] {
  const config: unknown = ts.readConfigFile(join(ROOT, 'tsconfig.spec.json'), (path) => ts.sys.readFile(path)).config;
  const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, ROOT);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => modules.has(path) || fileExists(path);
  host.readFile = (path) => modules.get(path) ?? readFile(path);
  const program = ts.createProgram([...modules.keys()], options, host);
  return [...modules.keys()]
    .map((path) => program.getSourceFile(path))
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(({ file, start = 0, messageText }) => {
      const place = file && `${relative(ROOT, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1}`;
      return `${place ?? 'program'}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
}

it('every example in the README of a library compiles', () => {
  const examples = readExamples();
  expect(examples.size).toBeGreaterThan(0);
  expect(problemsOf(examples)).toEqual([]);
});

it('reports an example that does not compile, with its line', () => {
  const path = join(ROOT, 'libs', 'billing', 'README.md.1.ts');
  const code = "\nimport { reserve } from '@clipmesh/billing';\nexport const sum: string = reserve.length;\n";
  expect(problemsOf(new Map([[path, code]]))).toEqual([
    "libs/billing/README.md.1.ts:3: Type 'number' is not assignable to type 'string'.",
  ]);
});
