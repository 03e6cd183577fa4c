import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Creates a folder and its parents. Throws the error of the file system. (On Node 20, `mkdirSync` with `recursive` never
 * returns when a folder answers ENOENT to a new entry, as /proc does.)
 */
export function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!existsSync(path)) throw error;
    if (!statSync(path).isDirectory())
      throw Object.assign(new Error(`${path} is not a folder`, { cause: error }), { code: 'ENOTDIR' });
  }
}

/** Creates `DIR/run` of a stack. Throws one sentence. */
export function makeRunFolder(dataDir: string): void {
  try {
    makeFolder(join(dataDir, 'run'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`the folder ${dataDir} cannot be created (${code}); choose another with --data`, { cause });
  }
}
