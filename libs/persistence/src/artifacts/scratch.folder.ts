import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Temporary folders of one replica. */
export interface Scratch {
  readonly directory: string;
  /** A fresh folder for the time of the call; it is gone afterwards, whatever happens. */
  withFolder<T>(use: (directory: string) => Promise<T>): Promise<T>;
}

/** Every folder here is called so: the directory may be one, /tmp say, where others keep their own. */
const PREFIX = 'clipmesh-';
/** Folders of other replicas that nobody has touched for this long are left by a crash, ms. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/**
 * Opens `<directory>/clipmesh-<workerId>`, emptied: what is there was left by a predecessor of the same id that was killed.
 * Ids are unique among the replicas that share the folder.
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
      // The folder may have been swept while nothing was in it.
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
