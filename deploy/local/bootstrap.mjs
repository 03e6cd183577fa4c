// Prepares a fresh clone so that a command can run. Plain Node without dependencies: it runs before they are installed.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { unlessBuilt } from './build.stamp.mjs';

export const ROOT = join(import.meta.dirname, '..', '..');
const MINIMUM = [20, 19];

/** One sentence for the user: what is wrong and how to fix it. */
export class BootstrapError extends Error {}

const say = (line) => process.stderr.write(`${line}\n`);

/** Running child processes. A signal handler forwards its signal to them and aborts `stopping`, so that no further one starts. */
export const children = new Set();
export const stopping = new AbortController();

/** Runs a command to its end with its output on stderr. Resolves with whether it succeeded. Prints `what` first. */
function succeeds(command, args, what) {
  if (stopping.signal.aborted) return Promise.resolve(false);
  if (what !== undefined) say(`${what}: ${[command, ...args].join(' ')}`);
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
    children.add(child);
    const end = (code) => {
      children.delete(child);
      resolve(code === 0);
    };
    child.on('error', end);
    child.on('exit', end);
  });
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const onPath = (name) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && executable(join(folder, name)));

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
  throw new BootstrapError(
    `Clipmesh needs Node ${MINIMUM.join('.')} or newer and this is ${process.versions.node}; install a newer one from https://nodejs.org.`,
  );
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** Whether npm's record of installed packages has everything in package-lock.json. */
function arePackagesInstalled() {
  const record = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const { packages: there } = readJson(record);
  const { packages: wanted } = readJson(join(ROOT, 'package-lock.json'));
  return Object.entries(wanted).every(([path, { link, version, integrity, optional }]) => {
    if (!path.includes('node_modules/')) return true;
    const found = there[path];
    // An optional package is installed only on its platform.
    if (found === undefined) return optional === true;
    return link === true ? found.link === true : found.version === version && found.integrity === integrity;
  });
}

async function installPackages() {
  if (arePackagesInstalled()) return;
  if (!(await succeeds('npm', ['ci', '--no-audit', '--no-fund'], 'Installing the packages of package-lock.json'))) {
    throw new BootstrapError('The packages could not be installed; run "npm ci" to see why.');
  }
}

const PROGRAMS = [
  { name: 'ffmpeg', setting: 'FFMPEG_PATH', package: 'ffmpeg' },
  { name: 'ffprobe', setting: 'FFPROBE_PATH', package: 'ffmpeg' },
  { name: 'nats-server', setting: '', package: 'nats-server' },
];
/** Programs that only the tests need: without them a service does without a feature. */
const TEST_PROGRAMS = [
  { name: 'espeak-ng', setting: 'ESPEAK_PATH', package: 'espeak-ng' },
  // Draws the texts that the drawing of texts is compared with.
  { name: 'chromium', setting: '', package: 'chromium' },
];

const missingOf = (programs) => programs.filter(({ name, setting }) => !process.env[setting] && !onPath(name));

/** A path that the user has set is used or refused, never replaced. */
function checkSettings(programs) {
  for (const { name, setting } of programs) {
    const path = process.env[setting];
    if (!path || (path.includes('/') ? executable(path) : onPath(path))) continue;
    throw new BootstrapError(
      `${setting} is set, but not to a program that can be run; correct it, or unset it to use the ${name} on PATH.`,
    );
  }
}

async function installPrograms(programs) {
  // Debian installs nats-server in a folder that is not on an ordinary user's PATH.
  process.env.PATH = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].filter(Boolean).join(delimiter);
  checkSettings(programs);
  const missing = missingOf(programs);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  const packages = [...new Set(missing.map((program) => program.package))];
  const isRoot = process.getuid?.() === 0;
  if (onPath('apt-get')) {
    const install = ['install', '-y', '--no-install-recommends', ...packages];
    if (isRoot) {
      await succeeds('apt-get', ['update'], `Installing ${names}`);
      await succeeds('apt-get', install, `Installing ${names}`);
    }
    if (missingOf(programs).length === 0) return;
    throw new BootstrapError(
      `${names} must be installed; run "${isRoot ? '' : 'sudo '}apt-get ${install.join(' ')}" and try again.`,
    );
  }
  if (onPath('brew')) {
    await succeeds('brew', ['install', ...packages], `Installing ${names}`);
    if (missingOf(programs).length === 0) return;
    throw new BootstrapError(`${names} must be installed; run "brew install ${packages.join(' ')}" and try again.`);
  }
  throw new BootstrapError(
    `${names} must be on PATH; install ${packages.join(' and ')} with this system's package manager and try again.`,
  );
}

/** Compiles everything and bundles the services, unless no source has changed since the last time. */
export async function build() {
  await unlessBuilt(ROOT, async () => {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    if (!(await succeeds(process.execPath, [tsc, '-b'])))
      throw new BootstrapError('The build failed; the messages of "npx tsc -b" are above.');
    try {
      // The bundler is one of the packages that may have been installed only just now.
      const { bundle } = await import('./bundle.mjs');
      await bundle(ROOT);
    } catch (error) {
      throw new BootstrapError(`The services could not be bundled: ${error.message}`);
    }
  });
}

/**
 * Prepares the clone: installs packages and, with `programs`, ffmpeg and nats-server, with `tests` also what only tests need; with
 * `compile` also builds. Throws a {@link BootstrapError} when something is missing that this script cannot install.
 */
export async function bootstrap({ compile, programs = true, tests = false }) {
  checkNode();
  await installPackages();
  if (programs) await installPrograms(tests ? [...PROGRAMS, ...TEST_PROGRAMS] : PROGRAMS);
  if (compile) await build();
}
