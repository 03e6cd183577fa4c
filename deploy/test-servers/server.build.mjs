// Builds one server into a folder. Independent of the cache.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';

/** Timeout of a hanging build. With other work on both cores the longest takes some 15 minutes. */
const LIMIT_MS = 60 * 60_000;
/** Lower priority than the user's work, but still a quarter of a core beside a busy process. */
const NICE = '5';
const TAIL = 2000;

/**
 * Runs a build step at low priority, in its own process group, so that its compilers end with it or with the signal.
 * Rejects with the last lines of its output.
 * @param {string} command @param {readonly string[]} args @param {string} cwd @param {BuildOptions} options
 * @returns {Promise<void>}
 */
function run(command, args, cwd, { env, signal }) {
  return new Promise((resolve, reject) => {
    const child = spawn('nice', ['-n', NICE, command, ...args], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let tail = '';
    const keep = (/** @type {Buffer} */ chunk) => {
      tail = (tail + chunk.toString()).slice(-TAIL);
    };
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group has ended.
      }
    };
    const limit = setTimeout(kill, LIMIT_MS);
    process.once('exit', kill);
    signal?.addEventListener('abort', kill, { once: true });
    if (signal?.aborted) kill();
    const settle = () => {
      clearTimeout(limit);
      process.off('exit', kill);
      signal?.removeEventListener('abort', kill);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', (code, signal) => {
      settle();
      if (code === 0) resolve();
      else reject(new Error(`"${command} ${args.join(' ')}" ended with ${code ?? signal}: ${tail.trim()}`));
    });
  });
}

/** A higher GOGC: the compiler collects garbage less often, which costs memory (0.9 GB) and saves time. */
const forGo = (/** @type {BuildOptions} */ { env, signal }) => ({
  env: { ...env, CGO_ENABLED: '0', GOWORK: 'off', GOGC: '400' },
  signal,
});
/** No debug information and no inlining: a third less work for the compiler, and the same server for a test. */
const QUICK = ['-ldflags=-s -w', '-gcflags=all=-l -dwarf=false'];

/** @typedef {{ env: NodeJS.ProcessEnv, signal?: AbortSignal | undefined }} BuildOptions */

/** @type {Readonly<Record<string, (name: string, row: any, dir: string, options: BuildOptions) => Promise<void>>>} */
const RECIPES = {
  'go-install': async (_name, { recipe, version }, dir, options) => {
    const { env, signal } = forGo(options);
    await run('go', ['install', ...QUICK, `${recipe.package}@${version}`], dir, {
      env: { ...env, GOBIN: dir },
      signal,
    });
  },
  'go-tool': async (name, { recipe, version }, dir, options) => {
    const module = join(dir, 'module');
    mkdirSync(module);
    await run('go', ['mod', 'init', `clipmesh.test/${name}`], module, forGo(options));
    await run('go', ['get', '-tool', `${recipe.package}@${version}`], module, forGo(options));
    if (recipe.patch !== undefined) {
      await run('go', ['mod', 'vendor'], module, forGo(options));
      recipe.patch(join(module, 'vendor'));
    }
    const sources = recipe.patch === undefined ? [] : ['-mod=vendor'];
    await run('go', ['build', ...QUICK, ...sources, '-o', join(dir, name), recipe.package], module, forGo(options));
    rmSync(module, { recursive: true });
  },
  python: async (_name, { recipe, version }, dir, options) => {
    await run('python3', ['-m', 'venv', 'venv'], dir, options);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `${recipe.package}==${version}`];
    await run(join(dir, 'venv', 'bin', 'python'), pip, dir, options);
  },
  maven: async (name, { recipe, version }, dir, options) => {
    const dependencies = recipe.artifacts.map((/** @type {string} */ artifact) => {
      const [group, id] = artifact.split(':');
      return `<dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version></dependency>`;
    });
    writeFileSync(
      join(dir, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion><groupId>clipmesh.test</groupId><artifactId>${name}</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>\n`,
    );
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    await run(
      'mvn',
      ['-q', '-B', goal, `-DoutputDirectory=${join(dir, 'jars')}`, '-DincludeScope=runtime'],
      dir,
      options,
    );
  },
};

/** Programs on PATH that a recipe needs to build and to run its result. */
export const TOOLS = /** @type {const} */ ({
  'go-install': ['go', 'nice'],
  'go-tool': ['go', 'nice'],
  maven: ['mvn', 'java', 'nice'],
  python: ['python3', 'nice'],
});

/**
 * Builds into `dir`, an empty folder. Rejects when a step fails, takes longer than an hour, or the signal aborts.
 * @param {string} name @param {import('./servers.table.mjs').Row} row @param {string} dir @param {BuildOptions} options
 */
export async function buildServer(name, row, dir, options) {
  await RECIPES[row.recipe.kind]?.(name, row, dir, options);
}
