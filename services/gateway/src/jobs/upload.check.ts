import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClipmeshError } from '@clipmesh/contracts';
import { type Media, type RunContext } from '@clipmesh/media';
import { type Scratch } from '@clipmesh/persistence';
import { OwnerLimit } from '../http/owner.limit.js';
import { ProblemError, unavailable } from '../http/problems/problem.js';

/** Dependencies and limits of file checks. */
export interface UploadCheck {
  readonly media: Pick<Media, 'verifySound' | 'verifyImage'>;
  readonly scratch: Scratch;
  /** Limits the checks in flight per owner. */
  readonly limit: OwnerLimit;
  /** Timeout of one process of a check, ms. Waiting for a free slot does not count. */
  readonly timeoutMs: number;
  /** Minimum length of music, seconds. */
  readonly musicMinSeconds: number;
}
type Bytes = Uint8Array;

/** A check has no external abort signal: its timeout ends it. */
const NEVER = new AbortController().signal;

/** Limits the requests of each owner whose files are checked at once: each check runs ffmpeg. */
export const uploadLimit = (perOwner: number): OwnerLimit =>
  new OwnerLimit(
    perOwner,
    (inUse) =>
      new ProblemError(
        429,
        'TOO_MANY_UPLOADS',
        'Too many uploads are being checked',
        `the files of ${inUse} requests are being checked, the maximum (UPLOAD_CHECKS); retry the request`,
        { extensions: { retryable: true }, headers: { 'Retry-After': '5' } },
      ),
  );

/** Verifies that music can be mixed. Throws a 422 `MUSIC_INVALID` with the reason, or a 503 when the check cannot run now. */
export function verifyMusic(check: UploadCheck, bytes: Bytes): Promise<void> {
  const refuse = (why: string, cause: unknown): ProblemError =>
    invalid('MUSIC_INVALID', 'The music cannot be used', 'music.data', why, cause);
  return verifyFile(check, bytes, refuse, async (file, context) => {
    await check.media.verifySound(file, { minSeconds: check.musicMinSeconds }, context);
  });
}

/**
 * Verifies that a reference image can be decoded. Throws a 422 `REFERENCE_IMAGE_INVALID` with `field` and the reason, or a 503
 * when the check cannot run now.
 */
export function verifyImage(
  check: UploadCheck,
  { bytes, contentType }: { readonly bytes: Bytes; readonly contentType: string },
  field: string,
): Promise<void> {
  const refuse = (why: string, cause: unknown): ProblemError =>
    invalid('REFERENCE_IMAGE_INVALID', 'The image cannot be used', field, why, cause);
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
      throw unavailable('UPLOAD_NOT_CHECKED', 'the file cannot be checked now; retry the request', error);
    }
  });
}

const invalid = (code: string, title: string, field: string, message: string, cause: unknown): ProblemError =>
  new ProblemError(422, code, title, `${field}: ${message}`, {
    cause,
    extensions: { retryable: false, errors: [{ field, message }] },
  });
