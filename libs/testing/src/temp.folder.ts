import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const open = new Set<string>();

export interface TempFolder {
  readonly path: string;
  /** Removes the folder with everything in it; a second call does nothing. */
  remove(): Promise<void>;
}

/** A new folder of one's own; whoever asks for it removes it. */
export async function tempFolder(label = 'test'): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), `clipmesh-${label}-`));
  open.add(path);
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      open.delete(path);
    },
  };
}

/** The folders of {@link tempFolder} that are still to be removed. */
export const openFolders = (): readonly string[] => [...open];
