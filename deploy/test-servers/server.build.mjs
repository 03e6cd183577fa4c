// Builds one server into a folder. Nothing here knows the cache.
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';

const LIMIT_MS = 20 * 60_000;
const TAIL = 2000;

/**
 * Runs a build step at low priority, in a process group of its own so that its compilers end with it.
 * Rejects with the end of what it said.
 * @param {string} command @param {readonly string[]} args @param {string} cwd @param {NodeJS.ProcessEnv} env
 * @returns {Promise<void>}
 */
function run(command, args, cwd, env) {
  return new Promise((resolve, reject) => {
    const child = spawn('nice', ['-n', '10', command, ...args], {
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
        // It has ended already.
      }
    };
    const limit = setTimeout(kill, LIMIT_MS);
    process.once('exit', kill);
    const settle = () => {
      clearTimeout(limit);
      process.off('exit', kill);
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

const goEnv = (/** @type {NodeJS.ProcessEnv} */ env) => ({ ...env, CGO_ENABLED: '0', GOWORK: 'off' });

/** @type {Readonly<Record<string, (name: string, row: any, dir: string, env: NodeJS.ProcessEnv) => Promise<void>>>} */
const RECIPES = {
  'go-install': async (_name, { recipe, version }, dir, env) => {
    await run('go', ['install', `${recipe.package}@${version}`], dir, { ...goEnv(env), GOBIN: dir });
  },
  'go-tool': async (name, { recipe, version }, dir, env) => {
    const module = join(dir, 'module');
    mkdirSync(module);
    await run('go', ['mod', 'init', `clipmesh.test/${name}`], module, goEnv(env));
    await run('go', ['get', '-tool', `${recipe.package}@${version}`], module, goEnv(env));
    await run('go', ['build', '-o', join(dir, name), recipe.package], module, goEnv(env));
    rmSync(module, { recursive: true });
  },
  maven: async (name, { recipe, version }, dir, env) => {
    const dependencies = recipe.artifacts.map((/** @type {string} */ artifact) => {
      const [group, id] = artifact.split(':');
      return `<dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version></dependency>`;
    });
    writeFileSync(
      join(dir, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion><groupId>clipmesh.test</groupId><artifactId>${name}</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>\n`,
    );
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    await run('mvn', ['-q', '-B', goal, `-DoutputDirectory=${join(dir, 'jars')}`, '-DincludeScope=runtime'], dir, env);
  },
};

/** Programs that a recipe needs on PATH to build, and to run what it built. */
export const TOOLS = /** @type {const} */ ({
  'go-install': ['go', 'nice'],
  'go-tool': ['go', 'nice'],
  maven: ['mvn', 'java', 'nice'],
});

/**
 * Builds into `dir`, an empty folder. Rejects when a step fails or takes longer than 20 minutes.
 * @param {string} name @param {import('./servers.table.mjs').Row} row @param {string} dir @param {NodeJS.ProcessEnv} env
 */
export async function buildServer(name, row, dir, env) {
  await RECIPES[row.recipe.kind]?.(name, row, dir, env);
}
