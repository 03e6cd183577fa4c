// node deploy/local/jest.mjs PROJECT [jest arguments]. Jest in ESM mode needs a Node flag; this keeps it out of every script line.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { build, BootstrapError } from './bootstrap.mjs';
import { endWithNpm, runGroup } from './process.group.mjs';

endWithNpm();
const [project, ...rest] = process.argv.slice(2);
if (project === 'e2e') {
  // These tests start the stack as a user does: from what was compiled.
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
 * Integration tests and whole stacks wait more than they compute, so more of them run than there are cores. (Jest takes no
 * percentage above 100: it reads a count.)
 */
const WORKERS = {
  integration: `--maxWorkers=${2 * availableParallelism()}`,
  e2e: '--maxWorkers=3',
};
const workers = WORKERS[project] ?? '--maxWorkers=100%';
// `--selectProjects` takes every word that follows it, so it comes last.
const args = ['--experimental-vm-modules', '--no-warnings', jest, workers, ...rest, '--selectProjects', project];
process.exitCode = await runGroup(process.execPath, args);
