import { brotliDecompressSync } from 'node:zlib';

/** Whether a font has a glyph for a code point. */
export interface Coverage {
  has(codePoint: number): boolean;
  /** Every covered code point, ascending. */
  codePoints(): Iterable<number>;
}

const WOFF2 = 0x774f4632;
const CMAP = 0x636d6170;
/** Indices of table tags in WOFF2. */
const WOFF2_TAGS = { cmap: 0, glyf: 10, loca: 11, other: 63 } as const;

/** The `cmap` table of a TrueType or OpenType file, whose table directory is at byte 12. */
function sfntCmap(bytes: Buffer): Buffer | undefined {
  const count = bytes.readUInt16BE(4);
  for (let at = 12; at < 12 + count * 16; at += 16) {
    if (bytes.readUInt32BE(at) !== CMAP) continue;
    const start = bytes.readUInt32BE(at + 8);
    return bytes.subarray(start, start + bytes.readUInt32BE(at + 12));
  }
  return undefined;
}

/** The `cmap` table of a WOFF2 file. Only two tables are transformed; `cmap` never is. */
function woff2Cmap(bytes: Buffer): Buffer | undefined {
  let at = 48;
  const number = (): number => {
    for (let value = 0; ;) {
      const byte = bytes.readUInt8(at++);
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
  };
  let [offset, found] = [0, undefined as { start: number; length: number } | undefined];
  for (let left = bytes.readUInt16BE(12); left > 0; left -= 1) {
    const flags = bytes.readUInt8(at++);
    const tag = flags & 0x3f;
    const named = tag === WOFF2_TAGS.other ? bytes.readUInt32BE(at) : undefined;
    if (named !== undefined) at += 4;
    const original = number();
    const isOutline = tag === WOFF2_TAGS.glyf || tag === WOFF2_TAGS.loca;
    const length = isOutline === (flags >> 6 === 0) ? number() : original;
    if (tag === WOFF2_TAGS.cmap || named === CMAP) found = { start: offset, length: original };
    offset += length;
  }
  if (found === undefined) return undefined;
  return brotliDecompressSync(bytes.subarray(at)).subarray(found.start, found.start + found.length);
}

type Range = readonly [first: number, last: number];

/** The ranges of a subtable of format 4: segments of the Basic Multilingual Plane. */
function segments(table: Buffer): Range[] {
  const size = table.readUInt16BE(6);
  const [ends, starts, deltas, offsets] = [14, 16 + size, 16 + 2 * size, 16 + 3 * size];
  const ranges: Range[] = [];
  for (let at = 0; at < size; at += 2) {
    const [first, last] = [table.readUInt16BE(starts + at), table.readUInt16BE(ends + at)];
    const [delta, offset] = [table.readUInt16BE(deltas + at), table.readUInt16BE(offsets + at)];
    for (let code = first; code <= last && code !== 0xffff; code += 1) {
      const indirect = offset === 0 ? undefined : offsets + at + offset + 2 * (code - first);
      const raw = indirect === undefined ? code : indirect + 2 <= table.length ? table.readUInt16BE(indirect) : 0;
      const glyph = indirect !== undefined && raw === 0 ? 0 : (raw + delta) & 0xffff;
      if (glyph !== 0) ranges.push([code, code]);
    }
  }
  return ranges;
}

/** The ranges of a subtable of format 12: groups of all planes. */
function groups(table: Buffer): Range[] {
  return Array.from({ length: table.readUInt32BE(12) }, (_, index) => {
    const at = 16 + index * 12;
    // Glyph 0 means that the character is missing.
    const first = table.readUInt32BE(at) + (table.readUInt32BE(at + 8) === 0 ? 1 : 0);
    return [first, table.readUInt32BE(at + 4)] as const;
  });
}

/** Reads which characters a font has: TrueType, OpenType or WOFF2. Throws an `Error` when the file is none of these. */
export function readCoverage(bytes: Buffer): Coverage {
  const cmap = bytes.readUInt32BE(0) === WOFF2 ? woff2Cmap(bytes) : sfntCmap(bytes);
  if (cmap === undefined) throw new Error('the font has no cmap table');
  const ranges: Range[] = [];
  for (let index = 0; index < cmap.readUInt16BE(2); index += 1) {
    const at = 4 + index * 8;
    const isUnicode = cmap.readUInt16BE(at) === 0 || (cmap.readUInt16BE(at) === 3 && cmap.readUInt16BE(at + 2) !== 0);
    if (!isUnicode) continue;
    const table = cmap.subarray(cmap.readUInt32BE(at + 4));
    const format = table.readUInt16BE(0);
    if (format === 4) ranges.push(...segments(table));
    if (format === 12) ranges.push(...groups(table));
  }
  const covered = new Set<number>();
  for (const [first, last] of ranges) for (let code = first; code <= last; code += 1) covered.add(code);
  if (covered.size === 0) throw new Error('the font has no Unicode characters');
  return { has: (codePoint) => covered.has(codePoint), codePoints: () => [...covered].sort((a, b) => a - b) };
}
