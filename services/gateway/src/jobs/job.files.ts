import {
  type CreateGeneration,
  decodeDataUrl,
  type Job,
  MUSIC_LIMIT_BYTES,
  MUSIC_VOLUME,
  REFERENCE_IMAGE_LIMIT_BYTES,
} from '@clipmesh/contracts';
import { type ArtifactStore } from '@clipmesh/persistence';
import { imageSize } from 'image-size';
import { fetchPublic, type FetchRules } from './image.fetch.js';
import { badRequest, ProblemError } from '../http/problems/problem.js';
import { RequestRefused } from '../http/public.request.js';
import { verifyMusic, verifyImage, type UploadCheck } from './upload.check.js';

interface File {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** Token of {@link FileDeps}. */
export const FILE_DEPS = Symbol('FILE_DEPS');
export interface FileDeps {
  readonly artifacts: Pick<ArtifactStore, 'put'>;
  readonly imageRules: FetchRules;
  readonly uploads: UploadCheck;
}

/** Side length in pixels. The models accept no smaller image, and none needs a larger one. */
const IMAGE_SIDE = { min: 300, max: 8192 } as const;
const CONTENT_TYPES: Readonly<Record<string, string>> = { jpg: 'image/jpeg', png: 'image/png' };
const END_OF_JPEG = Buffer.from([0xff, 0xd9]);
/** Maximum number of JPEG segments to read. Real images have at most a few hundred. */
const MAX_SEGMENTS = 10_000;
/** How far to search for the next segment after a segment that does not end at one. */
const RESYNC_BYTES = 65_536;

/** Decodes the music of a request, without checking its content. Throws a 400 when it is empty or exceeds 10 MB. */
export function decodeMusic(data: string): File {
  const refuse = (why: string): ProblemError => badRequest('music.data', why);
  const content = decodeDataUrl(data, MUSIC_LIMIT_BYTES);
  if (content === 'too-large') throw refuse(`more than ${MUSIC_LIMIT_BYTES} bytes`);
  if (content === undefined || content.bytes.length === 0)
    throw refuse('the data is empty or not base64; send base64 after the comma');
  return { bytes: content.bytes, contentType: content.mediaType };
}

/** Checks a reference image; its type is detected from the bytes. Throws a 400 that names `field`. */
export function checkImage(bytes: Buffer, field: string): File {
  const refuse = (why: string): ProblemError => badRequest(field, why);
  if (bytes.length > REFERENCE_IMAGE_LIMIT_BYTES) throw refuse(`more than ${REFERENCE_IMAGE_LIMIT_BYTES} bytes`);
  const { type = '', width = 0, height = 0 } = sizeOf(bytes);
  const contentType = CONTENT_TYPES[type];
  if (contentType === undefined) throw refuse('neither a JPEG nor a PNG');
  if (!isComplete(bytes, type)) throw refuse('the image is truncated');
  const sides = [width, height];
  if (Math.min(...sides) < IMAGE_SIDE.min || Math.max(...sides) > IMAGE_SIDE.max)
    throw refuse(`${width}x${height} pixels; each side must have ${IMAGE_SIDE.min}-${IMAGE_SIDE.max}`);
  return { bytes, contentType };
}

/** Offset of the image data, after the segments that declare their length. */
function scanOf(jpeg: Buffer): number {
  let at = 2;
  for (let count = 0; count < MAX_SEGMENTS && at + 4 <= jpeg.length && jpeg[at] === 0xff; count += 1) {
    const marker = jpeg[at + 1] ?? 0;
    if (marker === 0xda || marker === 0xd9) break;
    at += marker === 0xff ? 1 : 2 + jpeg.readUInt16BE(at + 2);
  }
  return at;
}

function isComplete(bytes: Buffer, type: string): boolean {
  // Skip the segments: a JPEG preview in a segment has its own end marker.
  return type === 'png' ? bytes.includes('IEND') : bytes.includes(END_OF_JPEG, scanOf(bytes));
}

function sizeOf(bytes: Buffer): Partial<ReturnType<typeof imageSize>> {
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  try {
    // Limit the input: the library would scan invalid data byte by byte and block the event loop.
    return imageSize(isJpeg ? bytes.subarray(0, scanOf(bytes) + RESYNC_BYTES) : bytes);
  } catch {
    return {};
  }
}

/** Throws a 400 when the request contains a file that cannot be decoded. */
export function checkFiles({ music, referenceImage }: CreateGeneration): void {
  if (music?.data !== undefined) decodeMusic(music.data);
  if (referenceImage?.data !== undefined) decodeImage(referenceImage.data);
}

function decodeImage(data: string): File {
  const content = decodeDataUrl(data, REFERENCE_IMAGE_LIMIT_BYTES);
  const field = 'referenceImage.data';
  if (content !== 'too-large') return checkImage(content?.bytes ?? Buffer.alloc(0), field);
  throw badRequest(field, `more than ${REFERENCE_IMAGE_LIMIT_BYTES} bytes`);
}

/**
 * Checks the files of a request, downloads the image if needed, then stores them. Throws a 400 or 422 for an invalid file, a
 * 422 when the URL cannot be fetched, a 429 when the owner has too many checks in flight, and a 503 when a check cannot run
 * now.
 */
export async function storeFiles(
  deps: FileDeps,
  request: Pick<CreateGeneration, 'music' | 'referenceImage'>,
  owner: string,
): Promise<Pick<Job, 'music' | 'referenceImage'>> {
  if (request.music?.data === undefined && request.referenceImage === undefined) return {};
  const release = deps.uploads.limit.acquire(owner);
  try {
    return await checkAndStore(deps, request);
  } finally {
    release();
  }
}

async function checkAndStore(
  { artifacts, imageRules, uploads }: FileDeps,
  { music, referenceImage }: Pick<CreateGeneration, 'music' | 'referenceImage'>,
): Promise<Pick<Job, 'music' | 'referenceImage'>> {
  const put = ({ bytes, contentType }: File) => artifacts.put(bytes, { contentType });
  const sound = music?.data === undefined ? undefined : decodeMusic(music.data);
  if (sound !== undefined) await verifyMusic(uploads, sound.bytes);
  const image = referenceImage === undefined ? undefined : await imageOf(referenceImage, imageRules);
  if (image !== undefined) await verifyImage(uploads, image, imageField(referenceImage));
  return {
    ...(sound === undefined ? {} : { music: { artifact: await put(sound), volume: music?.volume ?? MUSIC_VOLUME } }),
    ...(image === undefined ? {} : { referenceImage: await put(image) }),
  };
}

const imageField = (image: CreateGeneration['referenceImage']): string =>
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
    const message = `the image was not fetched: ${error.message}`;
    throw new ProblemError(
      422,
      'REFERENCE_IMAGE_NOT_FETCHED',
      'The image cannot be fetched',
      `referenceImage.url: ${message}`,
      {
        cause: error,
        extensions: { errors: [{ field: 'referenceImage.url', message }] },
      },
    );
  }
}
