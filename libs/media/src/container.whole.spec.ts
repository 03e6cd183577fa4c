import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { isCutShort, lacksBytes } from './container.whole.js';

const box = (name: string, length: number, content = Math.max(0, length - 8)): Buffer => {
  const bytes = Buffer.alloc(8 + content);
  bytes.writeUInt32BE(length, 0);
  bytes.write(name, 4, 'latin1');
  return bytes;
};
const large = (name: string, length: bigint, content: number): Buffer => {
  const bytes = box(name, 1, 8 + content);
  bytes.writeBigUInt64BE(length, 8);
  return bytes;
};
const FTYP = box('ftyp', 16);
const MOOV = box('moov', 24);
const MDAT = box('mdat', 40);
const MOOF = box('moof', 32);
const ebml = (size: readonly number[], content: number): Buffer =>
  Buffer.concat([
    Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 0x84, 1, 2, 3, 4, 0x18, 0x53, 0x80, 0x67, ...size]),
    Buffer.alloc(content),
  ]);
const lacks = (bytes: Buffer): Promise<boolean> =>
  lacksBytes(bytes.length, (at, length) => Promise.resolve(bytes.subarray(at, at + length)));

describe('a file', () => {
  it.each<[string, readonly Buffer[]]>([
    ['with its boxes', [FTYP, MOOV, MDAT]],
    ['with its header at the end', [FTYP, MDAT, MOOV]],
    ['with a 64-bit size', [FTYP, MOOV, large('mdat', 20n, 4)]],
    ['with a last box that goes to the end', [FTYP, MOOV, box('mdat', 0, 9)]],
    ['with a trailer of 1,280 foreign bytes', [FTYP, MOOV, MDAT, Buffer.alloc(1280, 'trailer of some camera ')]],
    ['with a trailer of 1,280 zeros', [FTYP, MOOV, MDAT, Buffer.alloc(1280)]],
    ['with a trailer of 1,280 set bits', [FTYP, MOOV, MDAT, Buffer.alloc(1280, 0xff)]],
    ['with three bytes behind it', [FTYP, MOOV, MDAT, Buffer.from('end')]],
    ['with padding at the end', [FTYP, MOOV, MDAT, box('free', 100)]],
    ['with padding that is cut', [FTYP, MOOV, MDAT, box('skip', 100, 20)]],
    ['with a uuid box at the end', [FTYP, MOOV, MDAT, box('uuid', 64)]],
    ['with a uuid box that is cut', [FTYP, MOOV, MDAT, box('uuid', 64, 9)]],
    ['with a box that nobody knows', [FTYP, box('SEFT', 50), MOOV, MDAT, box('cust', 70)]],
    ['with a box of no length at the end', [FTYP, MOOV, MDAT, box('free', 3, 20)]],
    ['in fragments', [FTYP, MOOV, MOOF, MDAT, MOOF, MDAT, box('mfra', 20)]],
    ['in fragments, with their index cut', [FTYP, MOOV, MOOF, MDAT, box('mfra', 200, 10)]],
    ['of QuickTime, without a type', [box('wide', 8), MDAT, MOOV]],
    ['of WebM', [ebml([0x88], 8)]],
    ['of WebM, with a long size', [ebml([0x01, 0, 0, 0, 0, 0, 0, 8], 8)]],
    ['of WebM, of unknown length', [ebml([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 50)]],
    ['of WebM, with bytes behind it', [ebml([0x88], 1288)]],
    ['of another kind', [Buffer.from('ID3 and so on and on and on')]],
    ['that is a page', [Buffer.from('<!DOCTYPE html><html></html>')]],
    ['without a byte', []],
  ])('%s counts as whole', async (_name, parts) => {
    expect(await lacks(Buffer.concat(parts))).toBe(false);
  });

  it.each<[string, readonly Buffer[]]>([
    ['in its pictures', [FTYP, MOOV, box('mdat', 400, 100)]],
    ['in its header', [FTYP, MDAT, box('moov', 400, 100)]],
    ['in a box with a 64-bit size', [FTYP, MOOV, large('mdat', 2n ** 40n, 4)]],
    ['in a 64-bit size', [FTYP, MOOV, large('mdat', 20n, 4).subarray(0, 12)]],
    ['before its pictures', [FTYP, MOOV]],
    ['in the beginning of its pictures', [FTYP, MOOV, MDAT.subarray(0, 6)]],
    ['in its last fragment', [FTYP, MOOV, MOOF, MDAT, MOOF, box('mdat', 400, 10)]],
    ['in the head of a fragment', [FTYP, MOOV, MOOF, MDAT, box('moof', 400, 10)]],
    ['in its segment of WebM', [ebml([0x88], 7)]],
    ['in its segment of WebM, with a long size', [ebml([0x01, 0, 0, 0, 1, 0, 0, 0], 700)]],
  ])('that was cut %s is cut short', async (_name, parts) => {
    expect(await lacks(Buffer.concat(parts))).toBe(true);
  });

  it('of more than 10,000 boxes counts as whole, and is read no further', async () => {
    const bytes = Buffer.concat([FTYP, MOOV, ...Array.from({ length: 30_000 }, () => box('free', 8))]);
    let reads = 0;
    const cut = Buffer.concat([bytes, box('mdat', 400, 10)]);
    const lacking = await lacksBytes(cut.length, (at, length) => {
      reads += 1;
      return Promise.resolve(cut.subarray(at, at + length));
    });
    expect([lacking, reads]).toEqual([false, 10_001]);
  });

  it('is not read on after an abort', async () => {
    await expect(isCutShort(fileURLToPath(import.meta.url), AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELED',
    });
  });

  it('of any bytes is read once per box, and to its end at most', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), async (parts) => {
        const bytes = Buffer.concat([FTYP, ...parts]);
        let reads = 0;
        await lacksBytes(bytes.length, (at, length) => {
          reads += 1;
          expect(at).toBeLessThan(bytes.length);
          return Promise.resolve(bytes.subarray(at, at + length));
        });
        expect(reads).toBeLessThanOrEqual(2 + bytes.length / 8);
      }),
    );
  });
});
