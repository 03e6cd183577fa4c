// node deploy/local/jest.mjs PROJECT [jest arguments]. Jest in ESM mode needs a Node flag; this file adds it for all scripts.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { build, BootstrapError } from './bootstrap.mjs';
import { endWithNpm, runGroup } from './processes/process.group.mjs';

endWithNpm();
const [project, ...rest] = process.argv.slice(2);
if (project === 'e2e') {
  // These tests start the stack as a user does: from compiled files.
  try {
    await build();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
/**
 * Integration tests and whole stacks mostly wait, so there are more workers than cores. (Jest accepts no percentage above
 * 100, so it gets a count.)
 */
const WORKERS = {
  integration: `--maxWorkers=${2 * availableParallelism()}`,
  e2e: '--maxWorkers=3',
};
const isGiven = rest.some((arg) => /^(-w|--maxWorkers|-i|--runInBand)\b/.test(arg));
// Jest takes the option once: of two it makes a list, and 100 workers.
const workers = isGiven ? [] : [WORKERS[project] ?? '--maxWorkers=100%'];
// `--selectProjects` takes all following words, so it comes last.
const args = ['--experimental-vm-modules', '--no-warnings', jest, ...workers, ...rest, '--selectProjects', project];
process.exitCode = await runGroup(process.execPath, args);
