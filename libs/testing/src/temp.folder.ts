import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const open = new Set<string>();

export interface TempFolder {
  readonly path: string;
  /** Removes the folder with its content. Further calls do nothing. */
  remove(): Promise<void>;
}

/** Creates a temporary folder, which the caller must remove. */
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

/** The folders of {@link tempFolder} that are not removed yet. */
export const openFolders = (): readonly string[] => [...open];
