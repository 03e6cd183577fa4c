import { execFile } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ROOT } from '../src/stack/command.runner.js';

const LINT_MS = 120_000;
const PREFIX = 'planted-violation-';

interface Planted {
  readonly folder: string;
  readonly name: string;
  readonly code: string;
  /** Rule that must report it. */
  readonly rule: string;
  /** Rules for tests check only spec files. */
  readonly isSpec?: boolean;
}
const PLANTED: readonly Planted[] = [
  {
    folder: 'libs/pipeline/src',
    name: 'a service in a lib',
    code: `export * from '../../../services/cost/src/cost.actor.js';\n`,
    rule: '@nx/enforce-module-boundaries',
  },
  {
    folder: 'deploy/bench/src',
    name: 'a service in a benchmark',
    code: `export * from '../../../services/cost/src/cost.actor.js';\n`,
    rule: '@nx/enforce-module-boundaries',
  },
  {
    folder: 'libs/pipeline/src',
    name: 'a door in a pure lib',
    code: `export { withSpan } from '@clipmesh/tracing';\n`,
    rule: '@nx/enforce-module-boundaries',
  },
  {
    folder: 'services/cost/src',
    name: 'the broker in a service',
    code: `export { connect } from '@nats-io/transport-node';\n`,
    rule: 'no-restricted-imports',
  },
  {
    folder: 'services/cost/src',
    name: 'the environment in a service',
    code: `export const home = process.env['HOME'];\n`,
    rule: 'no-restricted-properties',
  },
  {
    folder: 'libs/pipeline/src',
    name: 'a replaced word',
    code: `export const last${['Mo', 'vie'].join('')} = 1;\n`,
    rule: 'words/replaced',
  },
  {
    folder: 'libs/pipeline/src',
    name: 'elapsed time in a test',
    code: `import { expect, it } from '@jest/globals';\nit('is quick', () => {\n  const startMs = performance.now();\n  expect(performance.now() - startMs).toBeLessThan(300);\n});\n`,
    rule: 'test-time/no-elapsed-time',
    isSpec: true,
  },
  {
    folder: 'libs/pipeline/src',
    name: 'a short deadline in a test',
    code: `import { it } from '@jest/globals';\nit('ends', () => undefined, 5_000);\n`,
    rule: 'test-time/hang-deadline',
    isSpec: true,
  },
];

const fileOf = ({ folder, name, isSpec = false }: Planted): string =>
  join(ROOT, folder, `${PREFIX}${name.replaceAll(' ', '-')}${isSpec ? '.spec' : ''}.ts`);

/** Removes the planted files, including those of a killed run. */
function removePlanted(): void {
  for (const folder of new Set(PLANTED.map((planted) => planted.folder))) {
    for (const name of readdirSync(join(ROOT, folder)).filter((entry) => entry.startsWith(PREFIX))) {
      rmSync(join(ROOT, folder, name));
    }
  }
}

/** Runs `npm run lint` on the planted files only. */
async function lint(): Promise<{ code: number; output: string }> {
  const env = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NO_COLOR: '1', FORCE_COLOR: '0' };
  const run = (...args: string[]) => promisify(execFile)('npx', args, { cwd: ROOT, env, timeout: LINT_MS });
  await run('nx', 'show', 'projects', '--json');
  try {
    const { stdout } = await run('eslint', ...PLANTED.map(fileOf));
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number | null; stdout: string; stderr: string };
    return { code: code ?? -1, output: stdout + stderr };
  }
}

/** The report on a file: the lines after its name, up to an empty one. */
function reportOn(file: string, output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const from = lines.indexOf(file) + 1;
  return from === 0 ? '' : lines.slice(from, lines.indexOf('', from)).join('\n');
}

describe('a planted violation of a lint rule', () => {
  let result: { code: number; output: string };

  beforeAll(async () => {
    removePlanted();
    process.once('exit', removePlanted);
    try {
      for (const planted of PLANTED) writeFileSync(fileOf(planted), planted.code);
      result = await lint();
    } finally {
      removePlanted();
    }
  });

  afterAll(removePlanted);

  it('fails the lint', () => {
    expect(result.code).toBe(1);
  });

  it.each(PLANTED.map((planted) => [planted.name, planted] as const))(
    '%s is reported with its rule',
    (_name, planted) => {
      const report = reportOn(fileOf(planted), result.output);
      expect(report).toContain(planted.rule);
    },
  );
});
