// node deploy/local/run.mjs COMMAND [arguments]: prepares the clone, then runs the command.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { findServer } from '../test-servers/find.server.mjs';
import { SERVERS } from '../test-servers/servers.table.mjs';
import { bootstrap, BootstrapError, children, ROOT, stopping } from './bootstrap.mjs';
import { withoutProviders } from './paid.environment.mjs';
import { codeOf, endWithNpm, runGroup, SIGNALS } from './processes/process.group.mjs';

const PROGRAMS = {
  demo: 'deploy/local/dist/demo.js',
  up: 'deploy/local/dist/up.js',
  analyze: 'deploy/local/dist/analyze.js',
  'dead-letters': 'deploy/local/dist/dead.letters.js',
  models: 'deploy/local/dist/models.js',
  reconcile: 'deploy/local/dist/reconcile.js',
  bench: 'deploy/bench/dist/main.js',
};
/** Groups run one after another, the steps of a group in parallel. Types and lint need one core each. */
const WITHOUT_SERVERS = [['typecheck', 'lint', 'commits'], ['test:unit']];
const WITH_SERVERS = [['test:integration'], ['test:e2e']];
const STEPS = [...WITHOUT_SERVERS, ...WITH_SERVERS].flat();
/** The server that all tests of the second part use. They read its command from the environment. */
const BROKER = 'nats-server';

let received;
function receive(signal) {
  received = signal;
  stopping.abort();
  for (const child of children) child.kill(signal);
}
for (const signal of SIGNALS) process.on(signal, receive);
endWithNpm();

/** Tests never reach a paid provider, whatever the developer's shell contains. */
function testEnvironment() {
  return { ...withoutProviders(process.env), ...(process.env.CI ? { NX_DAEMON: 'false', NX_NO_CLOUD: 'true' } : {}) };
}

/** Finds the real servers for the tests and builds missing ones, one after another. A promise per server, by its name. */
function findServers(env) {
  const servers = {};
  let previous = Promise.resolve();
  for (const name of Object.keys(SERVERS)) {
    previous = previous.then(() => findServer(name, { env, signal: stopping.signal }));
    previous.catch(() => undefined);
    servers[name] = previous;
  }
  return servers;
}

async function test() {
  const env = testEnvironment();
  // Builds run in parallel with the steps. A test that needs another server than the broker waits for its build.
  const servers = findServers(env);
  try {
    const early = await runGroups(WITHOUT_SERVERS, env);
    if (early !== 0) return early;
    console.log(`\n> ${BROKER}`);
    const broker = await servers[BROKER];
    if (received !== undefined) return codeOf(received);
    if ('missing' in broker && env.CI === 'true') {
      console.error(broker.missing);
      return 1;
    }
    const variables = broker.command === undefined ? {} : { [SERVERS[BROKER].variable]: broker.command };
    const late = await runGroups(WITH_SERVERS, { ...env, ...variables });
    if (late !== 0) return late;
    const missing = (await Promise.all(Object.values(servers))).flatMap((found) => found.missing ?? []);
    for (const why of missing) console.error(`\nSKIPPED the tests of a server: ${why}`);
    return missing.length > 0 && env.CI === 'true' ? 1 : 0;
  } finally {
    // Ends builds that no step waits for.
    stopping.abort();
  }
}

/** Runs the steps of each group in parallel. Returns the exit code of the first failed step, or 0. */
async function runGroups(groups, env) {
  for (const group of groups) {
    const codes = await Promise.all(group.map((name) => step(name, env)));
    const failed = codes.find((code) => code !== 0);
    if (received !== undefined) return codeOf(received);
    if (failed !== undefined) return failed;
  }
  return 0;
}

/** Runs one script of package.json and prints how long it took. */
async function step(name, env) {
  const start = performance.now();
  console.log(`\n> ${name}`);
  const code = await runGroup('npm', ['run', '--silent', name], { cwd: ROOT, env });
  const after = `after ${((performance.now() - start) / 1000).toFixed(1)} s`;
  if (code === 0 && received === undefined) console.log(`${name} passed ${after}`);
  else console.error(`\n${name} failed ${after}`);
  return code;
}

const TEST_HELP = `npm test

Runs everything that CI runs, in this order: ${STEPS.join(', ')}.
Test servers that this machine does not have are built once, in parallel with the steps.
Each step is also a script: npm run test:unit -- PATH ...`;
const USAGE = `Usage: node deploy/local/run.mjs ${['test', ...Object.keys(PROGRAMS)].join('|')} [arguments]; each takes --help.`;

async function main([command, ...rest]) {
  const help = rest.some((arg) => arg === '--help' || arg === '-h');
  if (command === 'test') {
    if (help) {
      console.log(TEST_HELP);
      return 0;
    }
    if (rest.length > 0) {
      console.error(`npm test takes no arguments; it runs ${STEPS.join(', ')}.`);
      return 2;
    }
    await bootstrap({ compile: false, tests: true });
    return received === undefined ? test() : codeOf(received);
  }
  if (!Object.hasOwn(PROGRAMS, command)) {
    console.error(USAGE);
    return 2;
  }
  const envFile = join(ROOT, '.env');
  if (existsSync(envFile)) process.loadEnvFile(envFile);
  // The help needs no ffmpeg.
  await bootstrap({ compile: true, programs: !help });
  if (received !== undefined) return codeOf(received);
  return program(join(ROOT, PROGRAMS[command]), rest);
}

/** Runs a compiled program in this process, so that a signal to npm reaches the program. The program exits the process. */
async function program(file, args) {
  for (const signal of SIGNALS) process.off(signal, receive);
  process.argv.splice(1, Infinity, file, ...args);
  await import(pathToFileURL(file).href);
  return process.exitCode;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  // After a signal, the error is only a consequence of the interruption.
  const why = error instanceof BootstrapError ? error.message : `The command could not be run: ${error.message}`;
  console.error(received === undefined ? why : 'Interrupted; nothing was started.');
  process.exitCode = received === undefined ? 1 : codeOf(received);
}
