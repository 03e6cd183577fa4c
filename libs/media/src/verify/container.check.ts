import { open } from 'node:fs/promises';
import { ClipmeshError } from '@clipmesh/contracts';

/** Reads up to `length` bytes of a file from offset `at`; fewer at its end. */
export type ReadAt = (at: number, length: number) => Promise<Buffer>;

/** Top-level boxes of an MP4 or MOV (ISO/IEC 14496-12, 4.2; QuickTime File Format). */
const KNOWN_BOXES: ReadonlySet<string> = new Set([
  ...['ftyp', 'moov', 'mdat', 'moof', 'mfra', 'sidx', 'ssix', 'styp', 'emsg', 'prft', 'pdin', 'meta', 'meco', 'udta'],
  ...['free', 'skip', 'wide', 'uuid', 'pnot', 'PICT', 'bloc', 'junk'],
]);
/** Boxes that players need. A file that ends inside one of them is truncated. */
const REQUIRED_BOXES: ReadonlySet<string> = new Set(['moov', 'mdat', 'moof']);
/** Boxes to read. A clip has some dozens; an hour of one-second fragments has 7,200. */
const MAX_BOXES = 10_000;
const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;

/**
 * Whether a media file is shorter than its structure says. Such a file may play and freeze where it ends. For MP4 and MOV, checks
 * the boxes; trailing bytes that are not a box, and truncated padding, are allowed. For WebM and Matroska, checks the size of the
 * segment. Files of other kinds, and files with more than 10,000 complete boxes, count as complete. Throws `CANCELED` when the signal
 * is aborted.
 */
export async function isTruncated(file: string, signal: AbortSignal): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    return await hasMissingBytes(size, async (at, length) => {
      if (signal.aborted) throw new ClipmeshError('CANCELED', 'the check of the file was canceled');
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await handle.read(buffer, 0, length, at);
      return buffer.subarray(0, bytesRead);
    });
  } finally {
    await handle.close();
  }
}

/** Like {@link isTruncated}, for a file of `size` bytes. Reads 16 bytes per box, and at most 10,000 boxes. */
export async function hasMissingBytes(size: number, readAt: ReadAt): Promise<boolean> {
  const begin = await readAt(0, 16);
  if (begin.length >= 4 && begin.readUInt32BE(0) === EBML) return hasTruncatedSegment(size, readAt);
  return begin.length >= 8 && KNOWN_BOXES.has(begin.toString('latin1', 4, 8)) ? hasMissingBoxes(size, readAt) : false;
}

async function hasMissingBoxes(size: number, readAt: ReadAt): Promise<boolean> {
  let hasHeader = false;
  let hasContent = false;
  let at = 0;
  for (let boxes = 0; at < size; boxes += 1) {
    if (boxes === MAX_BOXES) return false;
    const header = await readAt(at, 16);
    const box = boxOf(header, size - at);
    // Bytes that are not a box are a trailer or a truncated box.
    if (box === undefined) break;
    if (at + box.length > size && REQUIRED_BOXES.has(box.name)) return true;
    hasHeader ||= box.name === 'moov';
    hasContent ||= box.name === 'mdat';
    at += box.length;
  }
  // A file without its header is left to ffprobe, which rejects it.
  return hasHeader && !hasContent;
}

/** Undefined for bytes that are not a box. `left`: bytes from here to the end of the file. */
function boxOf(header: Buffer, left: number): { readonly name: string; readonly length: number } | undefined {
  if (header.length < 8) return undefined;
  const name = header.toString('latin1', 4, 8);
  const short = header.readUInt32BE(0);
  // 0: the box extends to the end of the file. 1: the size follows the name.
  if (short === 0) return KNOWN_BOXES.has(name) ? { name, length: left } : undefined;
  const isLarge = short === 1;
  if (isLarge && header.length < 16) return KNOWN_BOXES.has(name) ? { name, length: left + 1 } : undefined;
  const length = isLarge ? Number(header.readBigUInt64BE(8)) : short;
  if (length < (isLarge ? 16 : 8)) return undefined;
  // An unknown name counts as a box when its size fits, which is unlikely for arbitrary bytes.
  return KNOWN_BOXES.has(name) || (length <= left && /^[\w©\- ]{4}$/.test(name)) ? { name, length } : undefined;
}

/** The file is an EBML header, then a segment with its size. A size with all bits set means unknown. */
async function hasTruncatedSegment(size: number, readAt: ReadAt): Promise<boolean> {
  const header = numberAt(await readAt(4, 8));
  if (header?.value === undefined) return false;
  const at = 4 + header.bytes + header.value;
  const segment = await readAt(at, 12);
  if (segment.length < 5 || segment.readUInt32BE(0) !== SEGMENT) return false;
  const length = numberAt(segment.subarray(4));
  return length?.value !== undefined && at + 4 + length.bytes + length.value > size;
}

/** Reads an EBML number: the zeros before the first set bit give the number of bytes that follow. */
function numberAt(bytes: Buffer): { readonly bytes: number; readonly value: number | undefined } | undefined {
  const first = bytes[0] ?? 0;
  const length = Math.clz32(first) - 23;
  if (first === 0 || bytes.length < length) return undefined;
  let value = BigInt(first) & ((1n << BigInt(8 - length)) - 1n);
  for (const byte of bytes.subarray(1, length)) value = (value << 8n) | BigInt(byte);
  const unknown = value === (1n << BigInt(7 * length)) - 1n;
  return { bytes: length, value: unknown ? undefined : Number(value) };
}
