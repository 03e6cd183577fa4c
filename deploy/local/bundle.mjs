// Joins what was compiled into one file a service, dist/services/NAME.js: a start then reads one file, not a thousand.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const SERVICES = ['gateway', 'planner', 'clip-generator', 'overlay', 'stitcher', 'cost', 'sandbox'];
/** Stays in node_modules: it tells where the files lie that are served. */
const OUTSIDE = ['swagger-ui-dist'];
/** What Nest and MongoDB's driver look for and do without; Clipmesh uses none of it. */
const ABSENT = [
  '@aws-sdk/credential-providers',
  '@fastify/static',
  '@mongodb-js/zstd',
  '@nestjs/websockets',
  'amqp-connection-manager',
  'class-transformer',
  'class-validator',
  'gcp-metadata',
  'ioredis',
  'kafkajs',
  'kerberos',
  'mongodb-client-encryption',
  'mqtt',
  'snappy',
  'socks',
];
/** What every CommonJS module has and an ES module has not. */
const HEAD = [
  "import { createRequire as bundleRequire } from 'node:module';",
  'const require = bundleRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;',
].join('\n');

/** ms since the epoch; 0 when there is no such file. */
const changedMs = async (file) => (existsSync(file) ? (await stat(file)).mtimeMs : 0);

const stampOf = (root) => join(root, 'dist', 'services', '.bundled');

/** When a source, or what decides how it is compiled, changed last. A folder changes when a file of it comes or goes. */
async function newestInput(root) {
  const packages = (
    await Promise.all(
      ['libs', 'services', 'deploy'].map(async (folder) =>
        (await readdir(join(root, folder), { withFileTypes: true }))
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => join(root, folder, name)),
      ),
    )
  ).flat();
  const folders = packages.map((path) => join(path, 'src')).filter((path) => existsSync(path));
  const sources = await Promise.all(
    folders.map(async (folder) => [
      folder,
      ...(await readdir(folder, { recursive: true })).map((name) => join(folder, name)),
    ]),
  );
  const settings = packages.flatMap((path) => [join(path, 'tsconfig.lib.json'), join(path, 'package.json')]);
  const shared = ['tsconfig.json', 'tsconfig.base.json', 'package-lock.json'].map((name) => join(root, name));
  const inputs = [...sources.flat(), ...settings, ...shared, import.meta.filename];
  return Math.max(...(await Promise.all(inputs.map(changedMs))));
}

/** Whether nothing has changed since the last bundle, so that there is nothing to compile either. */
export async function isBundled(root) {
  return (await changedMs(stampOf(root))) >= Math.ceil(await newestInput(root));
}

/**
 * Bundles the compiled services of the workspace at `root`, unless nothing has changed since the last time.
 * Every file is renamed into its place: a service that starts meanwhile never reads half of one.
 */
export async function bundle(root) {
  if (await isBundled(root)) return;
  const folder = join(root, 'dist', 'services');
  const inputMs = await newestInput(root);
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: {
      ...Object.fromEntries(SERVICES.map((service) => [service, `services/${service}/dist/main.js`])),
      // A thread of the gateway, which looks for it beside its own file.
      'performance.worker': 'services/gateway/dist/performance.worker.js',
    },
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Errors and loggers say the names of classes.
    keepNames: true,
    // Half the text is half the time to read it at every start.
    minifyWhitespace: true,
    minifySyntax: true,
    external: [...OUTSIDE, ...ABSENT],
    banner: { js: HEAD },
    logLevel: 'warning',
    write: false,
  });
  await mkdir(folder, { recursive: true });
  await Promise.all(
    outputFiles.map(async ({ path, contents }) => {
      const fresh = `${path}.${process.pid}`;
      await writeFile(fresh, contents);
      await rename(fresh, path);
    }),
  );
  await writeFile(stampOf(root), '');
  const at = new Date(Math.ceil(inputMs));
  await utimes(stampOf(root), at, at);
}

if (process.argv[1] === import.meta.filename) await bundle(join(import.meta.dirname, '..', '..'));
