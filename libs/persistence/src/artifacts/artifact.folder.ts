import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, link, mkdir, open, readdir, rename, rm, stat, type FileHandle, utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { ClipmeshError } from '@clipmesh/contracts';
import { operation } from '../records/operation.span.js';
import { unavailable } from '../records/store.error.js';
import { type ArtifactStore, type ByteRange } from '../ports/artifact.port.js';
import { artifactKey, artifactPath, asideName, isArtifactKey, keyOfAside } from './artifact.key.js';

const hasCode = (error: unknown, code: string): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code;
const isMissing = (error: unknown): boolean => hasCode(error, 'ENOENT');

function storeError(error: unknown): ClipmeshError {
  return error instanceof ClipmeshError ? error : unavailable('artifact folder', error);
}

/** Maps a missing file to `ARTIFACT_MISSING` and other errors to `STORE_UNAVAILABLE`. */
async function reading<T>(key: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (isMissing(cause)) throw new ClipmeshError('ARTIFACT_MISSING', `artifact ${key} is missing`, { cause });
    throw storeError(cause);
  }
}

async function writing<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw storeError(cause);
  });
}

/** A rename survives a power failure once its directory is synced. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function copyInto(
  handle: FileHandle,
  source: AsyncIterable<unknown>,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!(data instanceof Uint8Array)) throw new TypeError('an artifact consists of bytes');
    hash.update(data);
    bytes += data.byteLength;
    await writing(handle.appendFile(data));
  }
  await writing(handle.sync());
  return { sha256: hash.digest('hex'), bytes };
}

/** Restores a file that was moved aside, with a reset age. Keeps the same bytes if they were put meanwhile. */
async function restore(aside: string, target: string): Promise<void> {
  const now = new Date();
  try {
    await utimes(aside, now, now);
    await link(aside, target);
  } catch (error) {
    if (isMissing(error)) return;
    // Not every file system supports links.
    if (!hasCode(error, 'EEXIST')) await rename(aside, target);
  }
  await rm(aside, { force: true });
}

function streamOf(source: string | Uint8Array | Readable): Readable {
  if (typeof source === 'string') return createReadStream(source);
  return source instanceof Uint8Array ? Readable.from([source]) : source;
}

function checkRange(range: ByteRange): void {
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new RangeError(`bytes ${start}-${end} are not a valid range`);
  }
}

/** Stores media files in a folder. Files are written to `tmp/`, then renamed to their hash, so that named files are complete. */
export async function openArtifactFolder(options: { directory: string }): Promise<ArtifactStore> {
  const directory = resolve(options.directory);
  const temporary = join(directory, 'tmp');
  await writing(mkdir(temporary, { recursive: true }));

  return {
    put: (source, { contentType }) =>
      operation('artifacts.put', async () => {
        const draft = join(temporary, `${randomUUID()}.part`);
        const stream = streamOf(source);
        // Prevents an unhandled error if the source fails before it is read. Reading it reports the error.
        stream.on('error', () => undefined);
        try {
          const handle = await writing(open(draft, 'wx'));
          const { sha256, bytes } = await copyInto(handle, stream).finally(() => handle.close());
          const key = artifactKey(sha256, contentType);
          const target = artifactPath(directory, key);
          await writing(mkdir(dirname(target), { recursive: true }));
          await writing(rename(draft, target));
          await writing(syncDirectory(dirname(target)));
          return { key, sha256, bytes, contentType };
        } finally {
          stream.destroy();
          await rm(draft, { force: true });
        }
      }),

    open: (artifact, range) =>
      operation('artifacts.open', async () => {
        if (range !== undefined) checkRange(range);
        const handle = await reading(artifact.key, open(artifactPath(directory, artifact.key), 'r'));
        return handle.createReadStream(range);
      }),

    stat: (artifact) =>
      operation('artifacts.stat', async () => {
        try {
          return { bytes: (await stat(artifactPath(directory, artifact.key))).size };
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw storeError(error);
        }
      }),

    renew: (artifact) =>
      operation('artifacts.renew', async () => {
        const now = new Date();
        try {
          await utimes(artifactPath(directory, artifact.key), now, now);
          return true;
        } catch (error) {
          if (isMissing(error)) return false;
          throw storeError(error);
        }
      }),

    withFile: (artifact, use) =>
      operation('artifacts.withFile', async () => {
        const path = artifactPath(directory, artifact.key);
        await reading(artifact.key, access(path));
        return use(path);
      }),

    remove: (artifact) =>
      operation('artifacts.remove', () => writing(rm(artifactPath(directory, artifact.key), { force: true }))),

    removeOld: ({ key }, notAfterMs) =>
      operation('artifacts.removeOld', async () => {
        const target = artifactPath(directory, key);
        const aside = join(temporary, asideName(key, randomUUID()));
        try {
          // After the rename no one can renew or open the file, so its age is final.
          await rename(target, aside);
          if ((await stat(aside)).mtimeMs <= notAfterMs) {
            await rm(aside, { force: true });
            return true;
          }
          await restore(aside, target);
          return false;
        } catch (error) {
          if (isMissing(error)) return false;
          throw storeError(error);
        }
      }),

    async *list() {
      for (const folder of await writing(readdir(directory, { withFileTypes: true }))) {
        if (!folder.isDirectory() || !/^[0-9a-f]{2}$/.test(folder.name)) continue;
        for (const entry of await writing(readdir(join(directory, folder.name), { withFileTypes: true }))) {
          const key = `${folder.name}/${entry.name}`;
          // Ignores foreign files, including links.
          if (!entry.isFile() || !isArtifactKey(key)) continue;
          const info = await stat(artifactPath(directory, key)).catch(() => undefined);
          // The file was removed concurrently.
          if (info === undefined) continue;
          yield { key, bytes: info.size, storedAt: info.mtimeMs };
        }
      }
    },

    sweepTemporary: (maxAgeMs) =>
      operation('artifacts.sweepTemporary', async () => {
        let removed = 0;
        for (const name of await writing(readdir(temporary))) {
          const path = join(temporary, name);
          const key = keyOfAside(name);
          if (key !== undefined) {
            // An interrupted `removeOld` may not have checked the age. The next one does.
            await writing(restore(path, artifactPath(directory, key)));
            continue;
          }
          const info = await stat(path).catch(() => undefined);
          if (info === undefined || Date.now() - info.mtimeMs <= maxAgeMs) continue;
          await writing(rm(path, { force: true }));
          removed += 1;
        }
        return removed;
      }),
  };
}
