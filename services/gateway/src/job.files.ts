import {
  type CreateGeneration,
  decodeDataUrl,
  type Job,
  MUSIC_LIMIT_BYTES,
  REFERENCE_IMAGE_LIMIT_BYTES,
} from '@clipmesh/contracts';
import { type ArtifactStore } from '@clipmesh/persistence';
import { imageSize } from 'image-size';
import { fetchPublic, type FetchRules } from './image.fetch.js';
import { badRequest, ProblemError } from './problem.js';
import { RequestRefused } from './public.request.js';
import { verifyMusic, verifyImage, type UploadCheck } from './upload.check.js';

interface File {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}
export interface FileDeps {
  readonly artifacts: Pick<ArtifactStore, 'put'>;
  readonly imageRules: FetchRules;
  readonly uploads: UploadCheck;
}

/** Pixels; the models take no smaller picture, and none needs a larger one. */
const IMAGE_SIDE = { min: 300, max: 8192 } as const;
const CONTENT_TYPES: Readonly<Record<string, string>> = { jpg: 'image/jpeg', png: 'image/png' };
const END_OF_JPEG = Buffer.from([0xff, 0xd9]);
/** Of a JPEG; pictures have some hundred at most. */
const MAX_SEGMENTS = 10_000;
/** How far the next segment is looked for where the one before ends in none. */
const RESYNC_BYTES = 65_536;

/** The music of a request, not yet proven to be any. Throws a 400 when there is none, or more than 10 MB. */
export function decodeMusic(data: string): File {
  const refuse = (why: string): ProblemError => badRequest('music.data', why);
  const content = decodeDataUrl(data, MUSIC_LIMIT_BYTES);
  if (content === 'too-large') throw refuse(`more than ${MUSIC_LIMIT_BYTES} bytes`);
  if (content === undefined || content.bytes.length === 0)
    throw refuse('it decodes to nothing; give base64 after the comma');
  return { bytes: content.bytes, contentType: content.mediaType };
}

/** A reference image, told by its bytes and not by what was said of them. Throws a 400 that names `field`. */
export function checkImage(bytes: Buffer, field: string): File {
  const refuse = (why: string): ProblemError => badRequest(field, why);
  if (bytes.length > REFERENCE_IMAGE_LIMIT_BYTES) throw refuse(`more than ${REFERENCE_IMAGE_LIMIT_BYTES} bytes`);
  const { type = '', width = 0, height = 0 } = sizeOf(bytes);
  const contentType = CONTENT_TYPES[type];
  if (contentType === undefined) throw refuse('neither a JPEG nor a PNG');
  if (!isWhole(bytes, type)) throw refuse('the picture is cut short');
  const sides = [width, height];
  if (Math.min(...sides) < IMAGE_SIDE.min || Math.max(...sides) > IMAGE_SIDE.max)
    throw refuse(`${width}x${height} pixels; each side takes ${IMAGE_SIDE.min}-${IMAGE_SIDE.max}`);
  return { bytes, contentType };
}

/** Where the picture itself begins, behind the segments that give their length. */
function scanOf(jpeg: Buffer): number {
  let at = 2;
  for (let count = 0; count < MAX_SEGMENTS && at + 4 <= jpeg.length && jpeg[at] === 0xff; count += 1) {
    const marker = jpeg[at + 1] ?? 0;
    if (marker === 0xda || marker === 0xd9) break;
    at += marker === 0xff ? 1 : 2 + jpeg.readUInt16BE(at + 2);
  }
  return at;
}

function isWhole(bytes: Buffer, type: string): boolean {
  // The preview in a JPEG's segment has an end of its own.
  return type === 'png' ? bytes.includes('IEND') : bytes.includes(END_OF_JPEG, scanOf(bytes));
}

function sizeOf(bytes: Buffer): Partial<ReturnType<typeof imageSize>> {
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  try {
    // What is no picture would be searched byte by byte to its end, and nothing else answered meanwhile.
    return imageSize(isJpeg ? bytes.subarray(0, scanOf(bytes) + RESYNC_BYTES) : bytes);
  } catch {
    return {};
  }
}

/** Throws the 400 that storing the request's own files would end in. */
export function checkFiles({ music, referenceImage }: CreateGeneration): void {
  if (music !== undefined) decodeMusic(music.data);
  if (referenceImage?.data !== undefined) decodeImage(referenceImage.data);
}

function decodeImage(data: string): File {
  const content = decodeDataUrl(data, REFERENCE_IMAGE_LIMIT_BYTES);
  const field = 'referenceImage.data';
  if (content !== 'too-large') return checkImage(content?.bytes ?? Buffer.alloc(0), field);
  throw badRequest(field, `more than ${REFERENCE_IMAGE_LIMIT_BYTES} bytes`);
}

/**
 * Proves that the files of a request can be used, then stores them; the picture from wherever it is. Throws a 400 or a 422
 * that says what is wrong with one, a 422 when a URL gives nothing, a 429 while as many requests of the owner are checked as
 * may be, and a 503 when a file cannot be checked now.
 */
export async function storeFiles(
  deps: FileDeps,
  request: Pick<CreateGeneration, 'music' | 'referenceImage'>,
  owner: string,
): Promise<Pick<Job, 'music' | 'referenceImage'>> {
  if (request.music === undefined && request.referenceImage === undefined) return {};
  const leave = deps.uploads.limit.acquire(owner);
  try {
    return await checkAndStore(deps, request);
  } finally {
    leave();
  }
}

async function checkAndStore(
  { artifacts, imageRules, uploads }: FileDeps,
  { music, referenceImage }: Pick<CreateGeneration, 'music' | 'referenceImage'>,
): Promise<Pick<Job, 'music' | 'referenceImage'>> {
  const put = ({ bytes, contentType }: File) => artifacts.put(bytes, { contentType });
  const sound = music === undefined ? undefined : decodeMusic(music.data);
  if (sound !== undefined) await verifyMusic(uploads, sound.bytes);
  const image = referenceImage === undefined ? undefined : await imageOf(referenceImage, imageRules);
  if (image !== undefined) await verifyImage(uploads, image, fieldOf(referenceImage));
  return {
    ...(music === undefined || sound === undefined
      ? {}
      : { music: { artifact: await put(sound), volume: music.volume } }),
    ...(image === undefined ? {} : { referenceImage: await put(image) }),
  };
}

const fieldOf = (image: CreateGeneration['referenceImage']): string =>
  image?.url === undefined ? 'referenceImage.data' : 'referenceImage.url';

async function imageOf(
  { data, url }: NonNullable<CreateGeneration['referenceImage']>,
  rules: FetchRules,
): Promise<File> {
  if (url === undefined) return decodeImage(data ?? '');
  try {
    return checkImage(await fetchPublic(url, rules), 'referenceImage.url');
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    const message = `the picture was not fetched: ${error.message}`;
    throw new ProblemError(
      422,
      'REFERENCE_IMAGE_NOT_FETCHED',
      'The picture cannot be fetched',
      `referenceImage.url: ${message}`,
      {
        cause: error,
        extensions: { errors: [{ field: 'referenceImage.url', message }] },
      },
    );
  }
}
