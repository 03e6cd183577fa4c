// Finds a real server for a test, or builds it once. Plain Node, no dependencies.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { withLock } from '../local/processes/process.lock.mjs';
import { buildServer, TOOLS } from './server.build.mjs';
import { SERVERS } from './servers.table.mjs';

const ABANDONED_MS = 3_600_000;
const ASK_MS = 10_000;
/** Builds of this process, so that its suites share them. */
const running = new Map();

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Debian installs some servers in a folder that is not on an ordinary user's PATH. */
const folders = (env) => [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'].filter(Boolean);
const onPath = (program, env) =>
  folders(env)
    .map((folder) => join(folder, program))
    .find((path) => executable(path));

function says(path, { args, pattern }) {
  try {
    return pattern.test(
      execFileSync(path, args, { encoding: 'utf8', timeout: ASK_MS, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  } catch {
    return false;
  }
}

function fromVariable(name, row, env) {
  const value = env[row.variable];
  if (value === undefined || value === '') return undefined;
  if (value.includes('://')) return { url: value, source: 'variable' };
  const path = isAbsolute(value) ? value : resolve(value);
  // A value of the user is used or refused, never replaced.
  if (!executable(path))
    throw new Error(`${row.variable} is neither a URL nor a program that can be run; correct it or unset it`);
  return { command: path, args: [], source: 'variable' };
}

function fromPath(row, env) {
  const path = row.program === undefined ? undefined : onPath(row.program, env);
  if (path === undefined || (row.accepts !== undefined && !says(path, row.accepts))) return undefined;
  return { command: path, args: [], source: 'path' };
}

function entry(name, row, dir) {
  if (row.recipe.kind === 'maven')
    return { command: 'java', args: ['-cp', join(dir, 'jars', '*'), row.recipe.launcher] };
  if (row.recipe.kind === 'python')
    return { command: join(dir, 'venv', 'bin', 'python'), args: ['-m', row.recipe.module, '--host', '127.0.0.1'] };
  return { command: join(dir, name), args: [] };
}

export function cacheFolder(env = process.env) {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'clipmesh', 'servers');
}

function removeAbandoned(cache) {
  for (const file of readdirSync(cache)) {
    const path = join(cache, file);
    if (file.endsWith('.part') && Date.now() - statSync(path).mtimeMs > ABANDONED_MS)
      rmSync(path, { recursive: true, force: true });
  }
}

/** Builds the server into `target`, unless another process does so meanwhile. Only a complete build has the final name. */
async function build(name, row, target, { env, signal }) {
  const cache = cacheFolder(env);
  mkdirSync(cache, { recursive: true });
  removeAbandoned(cache);
  const onWait = () => process.stderr.write(`Waiting for another process that builds ${name} ${row.version}\n`);
  await withLock(`${target}.lock`, () => buildInto(name, row, target, { env, signal }), { signal, onWait });
}

async function buildInto(name, row, target, { env, signal }) {
  if (existsSync(target)) return;
  process.stderr.write(
    `Building ${name} ${row.version} for the tests, once and at low priority: about ${row.buildSeconds} s on two quiet cores\n`,
  );
  const part = join(cacheFolder(env), `${name}.${randomUUID()}.part`);
  mkdirSync(part);
  try {
    await buildServer(name, row, part, { env, signal });
    try {
      renameSync(part, target);
    } catch (error) {
      if (!existsSync(target)) throw error;
    }
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

const howToGet = (row) =>
  `set ${row.variable}, or install ${TOOLS[row.recipe.kind].filter((tool) => tool !== 'nice').join(' and ')} so that it can be built`;

export async function findServer(name, { env = process.env, mayBuild = true, signal } = {}) {
  const row = SERVERS[name];
  if (row === undefined) throw new Error(`there is no server ${name}; choose from ${Object.keys(SERVERS).join(', ')}`);
  const found = fromVariable(name, row, env) ?? fromPath(row, env);
  if (found !== undefined) return found;
  const lacking = TOOLS[row.recipe.kind].filter((tool) => onPath(tool, env) === undefined);
  const target = join(cacheFolder(env), `${name}-${row.version}-${process.platform}-${process.arch}`);
  const cached = () => ({ ...entry(name, row, target), source: 'cache' });
  if (existsSync(target) && (row.recipe.kind !== 'maven' || !lacking.includes('java'))) return cached();
  if (lacking.length > 0)
    return { missing: `${name} is not here and ${lacking.join(', ')} to build it is not on PATH; ${howToGet(row)}` };
  if (!mayBuild)
    return { missing: `${name} has not been built yet; run "node deploy/test-servers/find.server.mjs ${name}"` };
  const pending =
    running.get(target) ?? build(name, row, target, { env, signal }).finally(() => running.delete(target));
  running.set(target, pending);
  try {
    await pending;
  } catch (error) {
    return { missing: `${name} could not be built (${error.message}); ${howToGet(row)}` };
  }
  return { ...cached(), source: 'built' };
}

export async function findServerOrSkip(name, options = {}) {
  const found = await findServer(name, options);
  if (!('missing' in found)) return found;
  if ((options.env ?? process.env).CI === 'true') throw new Error(found.missing);
  process.stderr.write(`\nSKIPPED: what needs ${name}, because ${found.missing}\n`);
  return undefined;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  // A build runs in its own group and is ended at exit, which an unhandled signal would skip.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
  try {
    const names = process.argv.slice(2);
    for (const name of names.length > 0 ? names : Object.keys(SERVERS)) {
      const started = Date.now();
      const found = await findServer(name);
      const seconds = Math.round((Date.now() - started) / 1000);
      if ('missing' in found) process.exitCode = 1;
      console.log(
        `${name}: ${'missing' in found ? found.missing : `${found.url ?? [found.command, ...found.args].join(' ')} (${found.source}, ${seconds} s)`}`,
      );
    }
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
