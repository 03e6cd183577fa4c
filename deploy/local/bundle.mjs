// Bundles each compiled service into one file, dist/services/NAME.js, so that a start reads one file instead of a thousand.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const SERVICES = ['gateway', 'planner', 'clip-generator', 'overlay', 'stitcher', 'cost', 'sandbox'];
/** Stays in node_modules: it resolves the path of the files that the gateway serves. */
const OUTSIDE = ['swagger-ui-dist'];
/** Optional packages of Nest and MongoDB's driver that Clipmesh does not use. */
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
/** Variables that CommonJS modules have and ES modules lack. */
const HEAD = [
  "import { createRequire as bundleRequire } from 'node:module';",
  'const require = bundleRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;',
].join('\n');

/** ms since the epoch; 0 when there is no such file. */
const changedMs = async (file) => (existsSync(file) ? (await stat(file)).mtimeMs : 0);

const stampOf = (root) => join(root, 'dist', 'services', '.bundled');

/** Time of the last change of a source or compile setting, ms since the epoch. A folder changes when a file is added or removed. */
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

/** Whether nothing has changed since the last bundle, so that compiling is not needed either. */
export async function isBundled(root) {
  return (await changedMs(stampOf(root))) >= Math.ceil(await newestInput(root));
}

/**
 * Bundles the compiled services of the workspace at `root`, unless nothing has changed since the last time.
 * Each file is written under another name and renamed, so that a starting service never reads half of one.
 */
export async function bundle(root) {
  if (await isBundled(root)) return;
  const folder = join(root, 'dist', 'services');
  const inputMs = await newestInput(root);
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: {
      ...Object.fromEntries(SERVICES.map((service) => [service, `services/${service}/dist/main.js`])),
      // A worker thread of the gateway, which loads it from beside its own file.
      'performance.worker': 'services/gateway/dist/reports/performance.worker.js',
    },
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Errors and logs contain the names of classes.
    keepNames: true,
    // Half the text takes half the time to read at every start.
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
