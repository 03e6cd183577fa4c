import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClipmeshError } from '@clipmesh/contracts';
import { type Media } from '@clipmesh/media';
import { type Scratch } from '@clipmesh/persistence';
import { ProblemError, unavailable } from './problem.js';

/** What checking an uploaded file needs. */
export interface UploadCheck {
  readonly media: Pick<Media, 'verifySound' | 'verifyPicture'>;
  readonly scratch: Scratch;
  /** Longest check of one file, ms. */
  readonly timeoutMs: number;
  /** Shorter music is refused. */
  readonly musicMinSeconds: number;
}
type Bytes = Uint8Array;

/** Proves that music can be mixed. Throws a 422 `MUSIC_INVALID` that says why not, and a 503 when that cannot be found out now. */
export function proveMusic(check: UploadCheck, bytes: Bytes): Promise<void> {
  const refuse = (why: string, cause: unknown): ProblemError =>
    invalid('MUSIC_INVALID', 'The music cannot be used', 'music.data', why, cause);
  return proven(check, bytes, refuse, async (file, signal) => {
    await check.media.verifySound(file, { minSeconds: check.musicMinSeconds }, { signal });
  });
}

/**
 * Proves that a reference image can be decoded. Throws a 422 `REFERENCE_IMAGE_INVALID` that names `field` and says why not, and a
 * 503 when that cannot be found out now.
 */
export function provePicture(
  check: UploadCheck,
  { bytes, contentType }: { readonly bytes: Bytes; readonly contentType: string },
  field: string,
): Promise<void> {
  const refuse = (why: string, cause: unknown): ProblemError =>
    invalid('REFERENCE_IMAGE_INVALID', 'The picture cannot be used', field, why, cause);
  return proven(check, bytes, refuse, (file, signal) => check.media.verifyPicture(file, contentType, { signal }));
}

async function proven(
  { scratch, timeoutMs }: UploadCheck,
  bytes: Bytes,
  refuse: (why: string, cause: unknown) => ProblemError,
  verify: (file: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await scratch.withFolder(async (directory) => {
    const file = join(directory, 'upload');
    await writeFile(file, bytes);
    try {
      await verify(file, AbortSignal.timeout(timeoutMs));
    } catch (error) {
      if (!(error instanceof ClipmeshError)) throw error;
      if (error.code === 'MEDIA_INVALID') throw refuse(error.message, error);
      throw unavailable('UPLOAD_NOT_CHECKED', 'the file could not be checked now; send the request again', error);
    }
  });
}

const invalid = (code: string, title: string, field: string, message: string, cause: unknown): ProblemError =>
  new ProblemError(422, code, title, `${field}: ${message}`, {
    cause,
    extensions: { retryable: false, errors: [{ field, message }] },
  });
