import { open } from 'node:fs/promises';
import { ClipmeshError } from '@clipmesh/contracts';

/** Reads bytes of a file; fewer at its end. */
export type ReadAt = (at: number, length: number) => Promise<Buffer>;

/** Boxes that stand at the top of an MP4 or MOV (ISO/IEC 14496-12, 4.2; QuickTime File Format). */
const BOXES: ReadonlySet<string> = new Set([
  ...['ftyp', 'moov', 'mdat', 'moof', 'mfra', 'sidx', 'ssix', 'styp', 'emsg', 'prft', 'pdin', 'meta', 'meco', 'udta'],
  ...['free', 'skip', 'wide', 'uuid', 'pnot', 'PICT', 'bloc', 'junk'],
]);
/** A file without the end of one of these lacks something that is played. */
const PLAYED: ReadonlySet<string> = new Set(['moov', 'mdat', 'moof']);
/** Boxes that are read: a clip has some dozens, an hour in fragments of a second each has 7,200. */
const MOST_BOXES = 10_000;
const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;

/**
 * Whether a media file lacks a part of what its structure announces. Such a file may play, and stands still where it was
 * cut. MP4 and MOV are read box by box: bytes behind the last box that are no box, and padding that is cut, do no harm.
 * WebM and Matroska say how long their segment is. Files of other kinds count as whole, and so does a file of which the first
 * 10,000 boxes are there. Throws `CANCELED` when the signal is aborted.
 */
export async function isCutShort(file: string, signal: AbortSignal): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    return await lacksBytes(size, async (at, length) => {
      if (signal.aborted) throw new ClipmeshError('CANCELED', 'the check of the file was canceled');
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await handle.read(buffer, 0, length, at);
      return buffer.subarray(0, bytesRead);
    });
  } finally {
    await handle.close();
  }
}

/** The same for a file of this size. Reads 16 bytes per box, of at most 10,000 boxes. */
export async function lacksBytes(size: number, readAt: ReadAt): Promise<boolean> {
  const begin = await readAt(0, 16);
  if (begin.length >= 4 && begin.readUInt32BE(0) === EBML) return lacksSegment(size, readAt);
  return begin.length >= 8 && BOXES.has(begin.toString('latin1', 4, 8)) ? lacksBoxes(size, readAt) : false;
}

async function lacksBoxes(size: number, readAt: ReadAt): Promise<boolean> {
  let hasHeader = false;
  let hasContent = false;
  let at = 0;
  for (let boxes = 0; at < size; boxes += 1) {
    if (boxes === MOST_BOXES) return false;
    const header = await readAt(at, 16);
    const box = boxOf(header, size - at);
    // What is no box is a trailer, or the beginning of a box that was cut.
    if (box === undefined) break;
    if (at + box.length > size && PLAYED.has(box.name)) return true;
    hasHeader ||= box.name === 'moov';
    hasContent ||= box.name === 'mdat';
    at += box.length;
  }
  // Without its header nothing plays it: that is for ffprobe to say.
  return hasHeader && !hasContent;
}

/** Undefined for bytes that are no box of a file with `left` bytes from here. */
function boxOf(header: Buffer, left: number): { readonly name: string; readonly length: number } | undefined {
  if (header.length < 8) return undefined;
  const name = header.toString('latin1', 4, 8);
  const short = header.readUInt32BE(0);
  // 0: to the end of the file. 1: the size stands behind the name.
  if (short === 0) return BOXES.has(name) ? { name, length: left } : undefined;
  const isLarge = short === 1;
  if (isLarge && header.length < 16) return BOXES.has(name) ? { name, length: left + 1 } : undefined;
  const length = isLarge ? Number(header.readBigUInt64BE(8)) : short;
  if (length < (isLarge ? 16 : 8)) return undefined;
  // A box that we do not know is one when it fits; foreign bytes rarely do.
  return BOXES.has(name) || (length <= left && /^[\w©\- ]{4}$/.test(name)) ? { name, length } : undefined;
}

/** An EBML header, then a segment with its size; all bits of a size set: the writer did not know it. */
async function lacksSegment(size: number, readAt: ReadAt): Promise<boolean> {
  const header = numberAt(await readAt(4, 8));
  if (header?.value === undefined) return false;
  const at = 4 + header.bytes + header.value;
  const segment = await readAt(at, 12);
  if (segment.length < 5 || segment.readUInt32BE(0) !== SEGMENT) return false;
  const length = numberAt(segment.subarray(4));
  return length?.value !== undefined && at + 4 + length.bytes + length.value > size;
}

/** A number as EBML writes it: the zeros before the first set bit say how many bytes follow. */
function numberAt(bytes: Buffer): { readonly bytes: number; readonly value: number | undefined } | undefined {
  const first = bytes[0] ?? 0;
  const length = Math.clz32(first) - 23;
  if (first === 0 || bytes.length < length) return undefined;
  let value = BigInt(first) & ((1n << BigInt(8 - length)) - 1n);
  for (const byte of bytes.subarray(1, length)) value = (value << 8n) | BigInt(byte);
  const unknown = value === (1n << BigInt(7 * length)) - 1n;
  return { bytes: length, value: unknown ? undefined : Number(value) };
}
