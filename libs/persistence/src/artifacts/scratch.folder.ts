import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Temporary folders of one replica. */
export interface Scratch {
  readonly directory: string;
  /** Creates an empty folder for the duration of the call. */
  withFolder<T>(use: (directory: string) => Promise<T>): Promise<T>;
}

/** Prefix of all our folders: the directory may be shared, such as /tmp. */
const PREFIX = 'clipmesh-';
/** Age after which the folder of another replica counts as left behind by a crash, ms. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/**
 * Opens `<directory>/clipmesh-<workerId>` and removes what a killed replica with the same id left there. Ids must be unique
 * among the replicas that share the directory.
 */
export async function openScratch(directory: string, workerId: string): Promise<Scratch> {
  const own = join(directory, `${PREFIX}${encodeURIComponent(workerId).replaceAll('.', '-')}`);
  await rm(own, { recursive: true, force: true });
  await mkdir(own, { recursive: true });
  for (const name of await readdir(directory)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS)
      await rm(path, { recursive: true, force: true });
  }
  return {
    directory: own,
    withFolder: async (use) => {
      // An external sweep may have removed the empty folder.
      await mkdir(own, { recursive: true });
      const path = await mkdtemp(join(own, 'work-'));
      try {
        return await use(path);
      } finally {
        await rm(path, { recursive: true, force: true });
      }
    },
  };
}
