// Bundles each compiled service into one file, dist/services/NAME.js, so that a start reads one file instead of a thousand.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SERVICE_PROGRAMS } from '@clipmesh/contracts';
import { build } from 'esbuild';

/** Stays in node_modules: the path of the files that the gateway serves, the native library that draws text, the names of all characters. */
const OUTSIDE = ['swagger-ui-dist', '@napi-rs/canvas', 'unicode-name'];
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

/** Data that services read at their start, and the folder beside the bundles that they read it from. */
const DATA = [
  ['libs/providers/models', 'models'],
  ['services/sandbox/models', 'sandbox-models'],
];

async function write(path, contents) {
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, contents);
  await rename(fresh, path);
}

/** Copies the files of a folder, and removes what the copy has besides. */
async function copyFiles(from, to) {
  await mkdir(to, { recursive: true });
  const names = await readdir(from);
  await Promise.all(names.map(async (name) => write(join(to, name), await readFile(join(from, name)))));
  const old = (await readdir(to)).filter((name) => name.endsWith('.json') && !names.includes(name));
  await Promise.all(old.map((name) => rm(join(to, name), { force: true })));
}

/**
 * Bundles the compiled services of the workspace at `root`, and copies the data that they read. Each file is written under another name and renamed, so that a
 * starting service never reads half of one.
 */
export async function bundle(root) {
  const folder = join(root, 'dist', 'services');
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: {
      ...Object.fromEntries(SERVICE_PROGRAMS.map((service) => [service, `services/${service}/dist/main.js`])),
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
  await Promise.all([
    ...outputFiles.map(({ path, contents }) => write(path, contents)),
    ...DATA.map(([from, to]) => copyFiles(join(root, from), join(folder, to))),
  ]);
}
