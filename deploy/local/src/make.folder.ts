import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Makes a folder and those above it. (`mkdirSync` with `recursive` never ends on Node 20 where a folder says ENOENT to
 * new ones, as /proc does.) Throws what the file system says.
 */
export function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another start may have made it meanwhile.
    if (!existsSync(path)) throw error;
    if (!statSync(path).isDirectory())
      throw Object.assign(new Error(`${path} is no folder`, { cause: error }), { code: 'ENOTDIR' });
  }
}

/** `DIR/run` of a stack. Throws one sentence. */
export function makeRunFolder(dataDir: string): void {
  try {
    makeFolder(join(dataDir, 'run'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`the folder ${dataDir} cannot be made (${code}); choose another with --data`, { cause });
  }
}
