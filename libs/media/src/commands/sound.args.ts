import { type ConvertInput, type FfmpegCall } from './media.types.js';

/** Encoder and container of each format that {@link convertCall} writes. */
const FORMATS = {
  wav: ['-c:a', 'pcm_s16le', '-f', 'wav'],
  mp3: ['-c:a', 'libmp3lame', '-b:a', '128k', '-f', 'mp3'],
  opus: ['-c:a', 'libopus', '-b:a', '48k', '-f', 'ogg'],
  aac: ['-c:a', 'aac', '-b:a', '96k', '-f', 'adts'],
  flac: ['-c:a', 'flac', '-f', 'flac'],
} as const satisfies Readonly<Record<ConvertInput['format'], readonly string[]>>;

/** Converts sound to mono of 24 kHz in a format. The same input gives the same bytes. */
export const convertCall = ({ file, output, format }: ConvertInput): FfmpegCall => ({
  inputs: [{ file, options: [] }],
  options: [
    ...['-vn', '-map', '0:a:0', '-ac', '1', '-ar', '24000', '-map_metadata', '-1'],
    ...['-fflags', '+bitexact', '-flags:a', '+bitexact', '-threads', '1'],
    ...FORMATS[format],
  ],
  output,
});
