// Skips a build when no source has changed since the last one. Plain Node, no dependencies.
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const SHARED = ['tsconfig.json', 'tsconfig.base.json', 'package-lock.json', 'deploy/local/bundle.mjs'];

/** ms since the epoch; 0 when there is no such file. */
const changedMs = async (file) => (existsSync(file) ? (await stat(file)).mtimeMs : 0);

/** The folders of the workspace's packages. */
async function packagesOf(root) {
  const folders = ['libs', 'services', 'deploy'].map(async (folder) =>
    (await readdir(join(root, folder))).map((name) => join(root, folder, name)),
  );
  return (await Promise.all(folders)).flat().filter((path) => existsSync(join(path, 'tsconfig.lib.json')));
}

/** Time of the last change of a source or compile setting, ms since the epoch. A folder changes when a file is added or removed. */
async function newestSource(root, packages) {
  const sources = packages.map(async (path) => {
    const folders = ['src', 'models'].map((name) => join(path, name)).filter((folder) => existsSync(folder));
    const files = folders.map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((name) => join(folder, name)),
    );
    return [...folders, ...(await Promise.all(files)).flat()];
  });
  const settings = packages.flatMap((path) => [join(path, 'tsconfig.lib.json'), join(path, 'package.json')]);
  const inputs = [...(await Promise.all(sources)).flat(), ...settings, ...SHARED.map((name) => join(root, name))];
  return Math.ceil(Math.max(...(await Promise.all(inputs.map(changedMs)))));
}

/**
 * Calls `build`, unless no source of the workspace at `root` has changed since it last succeeded and every package is
 * compiled. The time of the sources is read before the build: a source that changes during a build is newer than its stamp,
 * so the next call builds again.
 */
export async function unlessBuilt(root, build) {
  const stamp = join(root, 'dist', '.built');
  const packages = await packagesOf(root);
  const sourceMs = await newestSource(root, packages);
  const isCompiled = packages.every((path) => existsSync(join(path, 'dist', '.tsbuildinfo')));
  // A time stamp is set as a fraction of a second, which may lose some nanoseconds.
  if (isCompiled && Math.round(await changedMs(stamp)) >= sourceMs) return;
  await build();
  await mkdir(dirname(stamp), { recursive: true });
  await writeFile(stamp, '');
  await utimes(stamp, new Date(sourceMs), new Date(sourceMs));
}
