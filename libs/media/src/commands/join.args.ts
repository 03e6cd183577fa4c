import { UNTRUSTED_INPUT } from './untrusted.input.js';
import { type FfmpegCall, type JoinInput } from './media.types.js';

/** Builds the list file for the concat demuxer. Quotes file names. */
export function concatList(clips: JoinInput['clips']): string {
  const lines = clips.map(
    ({ file, durationSeconds }) => `file '${file.replaceAll("'", "'\\''")}'\nduration ${durationSeconds}`,
  );
  return `ffconcat version 1.0\n${lines.join('\n')}\n`;
}

/** Joins clips: copies the video stream, mixes and encodes the audio once. */
export function joinCall(input: JoinInput, listFile: string, threads: number): FfmpegCall {
  const seconds = input.clips.reduce((sum, clip) => sum + clip.durationSeconds, 0);
  const fade = Math.min(2, seconds / 2);
  const volume = input.clipVolume ?? (input.music === undefined ? 1 : 0.6);
  const format = 'aresample=48000,aformat=sample_fmts=fltp:channel_layouts=stereo';
  const limit = 'alimiter=limit=0.95:level=false';
  const clips = `[0:a:0]${format},volume=${volume},apad=whole_dur=${seconds},atrim=duration=${seconds}`;
  const graph =
    input.music === undefined
      ? `${clips},${limit}[a]`
      : `${clips}[c];[1:a:0]${format},volume=${input.music.volume},atrim=duration=${seconds},afade=t=out:st=${seconds - fade}:d=${fade}[m];` +
        `[c][m]amix=inputs=2:duration=first:normalize=0,${limit}[a]`;
  return {
    inputs: [
      { file: listFile, options: ['-f', 'concat', '-safe', '0'] },
      ...(input.music === undefined
        ? []
        : [{ file: input.music.file, options: [...UNTRUSTED_INPUT, '-stream_loop', '-1'] }]),
    ],
    options: [
      ...['-filter_complex', graph, '-map', '0:v:0', '-map', '[a]', '-map_metadata', '-1', '-c:v', 'copy'],
      ...['-c:a', 'aac', '-b:a', '192k', '-ar', '48000', '-threads', String(threads), '-t', String(seconds)],
      ...['-movflags', '+faststart', '-f', 'mp4'],
    ],
    output: input.output,
  };
}
