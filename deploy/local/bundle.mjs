// Bundles each compiled service into one file, dist/services/NAME.js, so that a start reads one file instead of a thousand.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SERVICE_PROGRAMS } from '@clipmesh/contracts';
import { build } from 'esbuild';

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

/**
 * Bundles the compiled services of the workspace at `root`. Each file is written under another name and renamed, so that a
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
  await Promise.all(
    outputFiles.map(async ({ path, contents }) => {
      const fresh = `${path}.${process.pid}`;
      await writeFile(fresh, contents);
      await rename(fresh, path);
    }),
  );
}
