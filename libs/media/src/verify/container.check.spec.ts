import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { isTruncated, hasMissingBytes } from './container.check.js';

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
const isTruncatedBuffer = (bytes: Buffer): Promise<boolean> =>
  hasMissingBytes(bytes.length, (at, length) => Promise.resolve(bytes.subarray(at, at + length)));

describe('truncation check', () => {
  it.each<[string, readonly Buffer[]]>([
    ['with all boxes', [FTYP, MOOV, MDAT]],
    ['with its header at the end', [FTYP, MDAT, MOOV]],
    ['with a 64-bit size', [FTYP, MOOV, large('mdat', 20n, 4)]],
    ['with a last box of size 0', [FTYP, MOOV, box('mdat', 0, 9)]],
    ['with a trailer of 1,280 arbitrary bytes', [FTYP, MOOV, MDAT, Buffer.alloc(1280, 'trailer of some camera ')]],
    ['with a trailer of 1,280 zeros', [FTYP, MOOV, MDAT, Buffer.alloc(1280)]],
    ['with a trailer of 1,280 bytes of 0xff', [FTYP, MOOV, MDAT, Buffer.alloc(1280, 0xff)]],
    ['with three trailing bytes', [FTYP, MOOV, MDAT, Buffer.from('end')]],
    ['with padding at the end', [FTYP, MOOV, MDAT, box('free', 100)]],
    ['with truncated padding', [FTYP, MOOV, MDAT, box('skip', 100, 20)]],
    ['with a uuid box at the end', [FTYP, MOOV, MDAT, box('uuid', 64)]],
    ['with a truncated uuid box', [FTYP, MOOV, MDAT, box('uuid', 64, 9)]],
    ['with unknown boxes', [FTYP, box('SEFT', 50), MOOV, MDAT, box('cust', 70)]],
    ['with an invalid box size at the end', [FTYP, MOOV, MDAT, box('free', 3, 20)]],
    ['in fragments', [FTYP, MOOV, MOOF, MDAT, MOOF, MDAT, box('mfra', 20)]],
    ['in fragments with a truncated index', [FTYP, MOOV, MOOF, MDAT, box('mfra', 200, 10)]],
    ['in QuickTime format without ftyp', [box('wide', 8), MDAT, MOOV]],
    ['in WebM format', [ebml([0x88], 8)]],
    ['in WebM format with a long size', [ebml([0x01, 0, 0, 0, 0, 0, 0, 8], 8)]],
    ['in WebM format of unknown length', [ebml([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 50)]],
    ['in WebM format with trailing bytes', [ebml([0x88], 1288)]],
    ['in another format', [Buffer.from('ID3 and so on and on and on')]],
    ['with HTML', [Buffer.from('<!DOCTYPE html><html></html>')]],
    ['without content', []],
  ])('accepts a file %s', async (_name, parts) => {
    expect(await isTruncatedBuffer(Buffer.concat(parts))).toBe(false);
  });

  it.each<[string, readonly Buffer[]]>([
    ['in mdat', [FTYP, MOOV, box('mdat', 400, 100)]],
    ['in moov', [FTYP, MDAT, box('moov', 400, 100)]],
    ['in a box with a 64-bit size', [FTYP, MOOV, large('mdat', 2n ** 40n, 4)]],
    ['in a 64-bit size', [FTYP, MOOV, large('mdat', 20n, 4).subarray(0, 12)]],
    ['before mdat', [FTYP, MOOV]],
    ['in the header of mdat', [FTYP, MOOV, MDAT.subarray(0, 6)]],
    ['in its last fragment', [FTYP, MOOV, MOOF, MDAT, MOOF, box('mdat', 400, 10)]],
    ['in the moof of a fragment', [FTYP, MOOV, MOOF, MDAT, box('moof', 400, 10)]],
    ['in the WebM segment', [ebml([0x88], 7)]],
    ['in a WebM segment with a long size', [ebml([0x01, 0, 0, 0, 1, 0, 0, 0], 700)]],
  ])('finds a file truncated %s', async (_name, parts) => {
    expect(await isTruncatedBuffer(Buffer.concat(parts))).toBe(true);
  });

  it('accepts a file of more than 10,000 boxes and stops reading it', async () => {
    const bytes = Buffer.concat([FTYP, MOOV, ...Array.from({ length: 30_000 }, () => box('free', 8))]);
    let reads = 0;
    const cut = Buffer.concat([bytes, box('mdat', 400, 10)]);
    const isIncomplete = await hasMissingBytes(cut.length, (at, length) => {
      reads += 1;
      return Promise.resolve(cut.subarray(at, at + length));
    });
    expect([isIncomplete, reads]).toEqual([false, 10_001]);
  });

  it('stops reading after an abort', async () => {
    await expect(isTruncated(fileURLToPath(import.meta.url), AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELED',
    });
  });

  it('reads any file once per box, and never past its end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), async (parts) => {
        const bytes = Buffer.concat([FTYP, ...parts]);
        let reads = 0;
        await hasMissingBytes(bytes.length, (at, length) => {
          reads += 1;
          expect(at).toBeLessThan(bytes.length);
          return Promise.resolve(bytes.subarray(at, at + length));
        });
        expect(reads).toBeLessThanOrEqual(2 + bytes.length / 8);
      }),
    );
  });
});
