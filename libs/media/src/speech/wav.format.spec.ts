import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isTruncatedWav, readWav } from './wav.format.js';

const chunk = (name: string, size: number, content: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, content]);
};
const format = Buffer.alloc(16);
format.writeUInt32LE(48_000, 8);
const RIFF = chunk('RIFF', 0, Buffer.from('WAVE'));
const FORMAT = chunk('fmt ', 16, format);
/** A WAV whose header announces `size` bytes of samples, and that has `bytes` of them. */
const wav = (size: number, bytes: number, before: readonly Buffer[] = []): Buffer =>
  Buffer.concat([RIFF, FORMAT, ...before, chunk('data', size, Buffer.alloc(bytes))]);
const read = (file: Buffer) => (at: number, length: number) => Promise.resolve(file.subarray(at, at + length));

describe('a WAV file', () => {
  it.each<[string, Buffer, boolean]>([
    ['that is whole', wav(1000, 1000), false],
    ['with bytes after its samples', wav(1000, 1010), false],
    ['with half of its samples', wav(1000, 500), true],
    ['without samples', wav(1000, 0), true],
    ['with chunks before its samples', wav(1000, 500, [chunk('LIST', 3, Buffer.alloc(4))]), true],
    ['of OpenAI', wav(0xffff_ffff, 1000), false],
    ['of ElevenLabs', wav(0x7fff_ffff, 1000), false],
    ['of espeak-ng on a pipe', wav(0x7fff_f000, 1000), false],
    ['of Pocket TTS', wav(2_000_000_000, 1000), false],
    ['with a size of 0', wav(0, 1000), false],
    ['of another kind', Buffer.from('ID3'), false],
    ['that ends in its header', wav(1000, 0).subarray(0, 30), false],
    ['of nothing', Buffer.alloc(0), false],
  ])('%s is truncated: %s', async (_name, file, truncated) => {
    expect(await isTruncatedWav(file.length, read(file))).toBe(truncated);
  });

  it('has a rate and the place of its samples', async () => {
    expect(await readWav(read(wav(1000, 1000)))).toEqual({ bytesPerSecond: 48_000, dataAt: 44, dataBytes: 1000 });
    expect(await readWav(read(wav(0xffff_ffff, 10)))).toMatchObject({ dataBytes: undefined });
  });

  it('of any bytes ends the search', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const file = Buffer.concat([RIFF, bytes]);
        await isTruncatedWav(file.length, read(file));
      }),
    );
  });
});
