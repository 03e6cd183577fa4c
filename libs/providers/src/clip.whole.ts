import { open } from 'node:fs/promises';

/** Size and name of a box, and its size where that takes 64 bits. */
const HEADER_BYTES = 16;

/**
 * Whether an MP4 has all that its boxes announce (ISO/IEC 14496-12, 4.2). One that was cut short plays, and stands still
 * where it was cut. What begins as no MP4, or is no chain of boxes, is left to those who can read it.
 */
export async function isWhole(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const header = Buffer.alloc(HEADER_BYTES);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, at);
      if (bytesRead < 8 || (at === 0 && header.toString('latin1', 4, 8) !== 'ftyp')) return true;
      const told = header.readUInt32BE(0);
      // 1: the size stands behind the name; 0: to the end of the file.
      const length = told === 1 && bytesRead === HEADER_BYTES ? Number(header.readBigUInt64BE(8)) : told;
      if (length < 8) return true;
      at += length;
    }
    return at <= size;
  } finally {
    await handle.close();
  }
}
