// Brings a fresh clone to the point where a command can run. Plain Node, no dependencies: it runs before they exist.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
const MINIMUM = [20, 19];
const STAMP = join(ROOT, 'node_modules', '.clipmesh-lock');

/** A sentence for the user: what is wrong and what to do about it. */
export class BootstrapError extends Error {}

const say = (line) => process.stderr.write(`${line}\n`);

function run(command, args, what) {
  say(`${what}: ${[command, ...args].join(' ')}`);
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  return error === undefined && status === 0;
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
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

/** Packages follow package-lock.json: by our stamp, or by an install of npm's own that is newer than the lock file. */
function installPackages() {
  const lock = join(ROOT, 'package-lock.json');
  const hash = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(STAMP)) {
    if (readFileSync(STAMP, 'utf8') === hash) return;
  } else {
    const installed = join(ROOT, 'node_modules', '.package-lock.json');
    if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) {
      writeFileSync(STAMP, hash);
      return;
    }
  }
  if (!run('npm', ['ci', '--no-audit', '--no-fund'], 'Installing the packages of package-lock.json')) {
    throw new BootstrapError('The packages could not be installed; run "npm ci" and see what it says.');
  }
  writeFileSync(STAMP, hash);
}

const PROGRAMS = [
  { name: 'ffmpeg', setting: 'FFMPEG_PATH', package: 'ffmpeg' },
  { name: 'ffprobe', setting: 'FFPROBE_PATH', package: 'ffmpeg' },
  { name: 'nats-server', setting: '', package: 'nats-server' },
];

const missingPrograms = () => PROGRAMS.filter(({ name, setting }) => !process.env[setting] && !onPath(name));

/** A path that the user has set is the user's word: it is used, or refused, never replaced. */
function checkSettings() {
  for (const { name, setting } of PROGRAMS) {
    const path = process.env[setting];
    if (!path || (path.includes('/') ? executable(path) : onPath(path))) continue;
    throw new BootstrapError(
      `${setting} is set, but not to a program that can be run; correct it, or unset it to use the ${name} on PATH.`,
    );
  }
}

function installPrograms() {
  // Debian keeps nats-server where an ordinary user's PATH does not look.
  process.env.PATH = [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].filter(Boolean).join(delimiter);
  checkSettings();
  const missing = missingPrograms();
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  const packages = [...new Set(missing.map((program) => program.package))];
  const isRoot = process.getuid?.() === 0;
  if (onPath('apt-get')) {
    const install = ['install', '-y', '--no-install-recommends', ...packages];
    if (isRoot) {
      run('apt-get', ['update'], `Installing ${names}`);
      run('apt-get', install, `Installing ${names}`);
    }
    if (missingPrograms().length === 0) return;
    throw new BootstrapError(
      `${names} must be installed; run "${isRoot ? '' : 'sudo '}apt-get ${install.join(' ')}" and try again.`,
    );
  }
  if (onPath('brew')) {
    run('brew', ['install', ...packages], `Installing ${names}`);
    if (missingPrograms().length === 0) return;
    throw new BootstrapError(`${names} must be installed; run "brew install ${packages.join(' ')}" and try again.`);
  }
  throw new BootstrapError(
    `${names} must be on PATH; install ${packages.join(' and ')} with this system's package manager and try again.`,
  );
}

/** Compiles everything; quick when nothing has changed. */
export function build() {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-b'], { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new BootstrapError('The build failed; the messages of "npx tsc -b" are above.');
}

/** Throws a {@link BootstrapError} when something is missing that cannot be put right from here. */
export function bootstrap({ compile }) {
  checkNode();
  installPackages();
  installPrograms();
  if (compile) build();
}
