import { type FileHandle } from 'node:fs/promises';
import { type ReadAt } from '../verify/container.check.js';

/** Reads from an open file. */
export const readerOf =
  (handle: FileHandle): ReadAt =>
  async (at, length) => {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, at);
    return buffer.subarray(0, bytesRead);
  };

/** The PCM in a WAV file. */
export interface WavFormat {
  readonly bytesPerSecond: number;
  /** Offset of the first sample. */
  readonly dataAt: number;
  /** Bytes of samples according to the header; undefined when the file was streamed and the header has a placeholder. */
  readonly dataBytes: number | undefined;
}

const MAX_CHUNKS = 100;
/**
 * Data sizes from here on are placeholders of streaming servers, more than ten hours of speech: 0xffffffff (OpenAI, Kokoro, Speaches),
 * 0x7fffffff (ElevenLabs), 0x7ffff000 (espeak-ng), 2,000,000,000 (Pocket TTS).
 */
const PLACEHOLDER = 1_900_000_000;

/** The format of a WAV file; undefined for a file of another kind, or without samples. */
export async function readWav(readAt: ReadAt): Promise<WavFormat | undefined> {
  const head = await readAt(0, 12);
  if (head.length < 12 || head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, 12) !== 'WAVE')
    return undefined;
  let bytesPerSecond = 0;
  let at = 12;
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks += 1) {
    const chunk = await readAt(at, 20);
    if (chunk.length < 8) return undefined;
    const name = chunk.toString('latin1', 0, 4);
    const size = chunk.readUInt32LE(4);
    if (name === 'fmt ' && chunk.length === 20) bytesPerSecond = chunk.readUInt32LE(16);
    if (name === 'data') {
      // A size of 0 before samples is a placeholder too.
      const dataBytes = size === 0 || size >= PLACEHOLDER ? undefined : size;
      return bytesPerSecond > 0 ? { bytesPerSecond, dataAt: at + 8, dataBytes } : undefined;
    }
    // Chunks are padded to an even length.
    at += 8 + size + (size % 2);
  }
  return undefined;
}

/** Whether a file of `size` bytes is a WAV with fewer samples than its header says. */
export async function isTruncatedWav(size: number, readAt: ReadAt): Promise<boolean> {
  const wav = await readWav(readAt);
  return wav?.dataBytes !== undefined && wav.dataAt + wav.dataBytes > size;
}
