import { type FfmpegCall, type JoinInput } from './media.types.js';

/** Builds the list file for the concat demuxer. Quotes file names. */
export function concatList(clips: JoinInput['clips']): string {
  const lines = clips.map(
    ({ file, durationSeconds }) => `file '${file.replaceAll("'", "'\\''")}'\nduration ${durationSeconds}`,
  );
  return `ffconcat version 1.0\n${lines.join('\n')}\n`;
}

/** Joins clips and adds the sound of the video. Copies both streams. */
export const joinCall = ({ audio, output }: Omit<JoinInput, 'clips'>, listFile: string): FfmpegCall => ({
  inputs: [
    { file: listFile, options: ['-f', 'concat', '-safe', '0'] },
    { file: audio, options: [] },
  ],
  options: [
    ...['-map', '0:v:0', '-map', '1:a:0', '-map_metadata', '-1', '-c', 'copy'],
    ...['-movflags', '+faststart', '-f', 'mp4'],
  ],
  output,
});
