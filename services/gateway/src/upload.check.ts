import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClipmeshError } from '@clipmesh/contracts';
import { type Media, type RunContext } from '@clipmesh/media';
import { type Scratch } from '@clipmesh/persistence';
import { OwnerLimit } from './owner.places.js';
import { ProblemError, unavailable } from './problem.js';

/** What checking an uploaded file needs. */
export interface UploadCheck {
  readonly media: Pick<Media, 'verifySound' | 'verifyImage'>;
  readonly scratch: Scratch;
  /** The requests whose files are checked now, by owner. */
  readonly limit: OwnerLimit;
  /** Longest run of one process of a check, ms; the wait for its turn does not count. */
  readonly timeoutMs: number;
  /** Shorter music is refused. */
  readonly musicMinSeconds: number;
}
type Bytes = Uint8Array;

/** Takes no signal from outside: a check ends by itself. */
const NEVER = new AbortController().signal;

/** The requests of each owner whose files may be checked at once: each check is a process of ffmpeg. */
export const uploadLimit = (perOwner: number): OwnerLimit =>
  new OwnerLimit(
    perOwner,
    (open) =>
      new ProblemError(
        429,
        'TOO_MANY_UPLOADS',
        'Too many uploads are being checked',
        `the files of ${open} requests are being checked, and no more are allowed (UPLOAD_CHECKS); send the request again`,
        { extensions: { retryable: true }, headers: { 'Retry-After': '5' } },
      ),
  );

/** Proves that music can be mixed. Throws a 422 `MUSIC_INVALID` that says why not, and a 503 when that cannot be found out now. */
export function verifyMusic(check: UploadCheck, bytes: Bytes): Promise<void> {
  const refuse = (why: string, cause: unknown): ProblemError =>
    invalid('MUSIC_INVALID', 'The music cannot be used', 'music.data', why, cause);
  return verifyFile(check, bytes, refuse, async (file, context) => {
    await check.media.verifySound(file, { minSeconds: check.musicMinSeconds }, context);
  });
}

/**
 * Proves that a reference image can be decoded. Throws a 422 `REFERENCE_IMAGE_INVALID` that names `field` and says why not, and a
 * 503 when that cannot be found out now.
 */
export function verifyImage(
  check: UploadCheck,
  { bytes, contentType }: { readonly bytes: Bytes; readonly contentType: string },
  field: string,
): Promise<void> {
  const refuse = (why: string, cause: unknown): ProblemError =>
    invalid('REFERENCE_IMAGE_INVALID', 'The picture cannot be used', field, why, cause);
  return verifyFile(check, bytes, refuse, (file, context) => check.media.verifyImage(file, contentType, context));
}

async function verifyFile(
  { scratch, timeoutMs }: UploadCheck,
  bytes: Bytes,
  refuse: (why: string, cause: unknown) => ProblemError,
  verify: (file: string, context: RunContext) => Promise<void>,
): Promise<void> {
  await scratch.withFolder(async (directory) => {
    const file = join(directory, 'upload');
    await writeFile(file, bytes);
    try {
      await verify(file, { signal: NEVER, runSignal: () => AbortSignal.timeout(timeoutMs) });
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
