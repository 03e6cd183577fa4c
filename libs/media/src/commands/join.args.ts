import { type FfmpegCall, type JoinInput } from './media.types.js';

/** Joins the segments of a list and adds the sound of the video. Copies both streams. */
export const joinCall = ({ audio, output }: Pick<JoinInput, 'audio' | 'output'>, listFile: string): FfmpegCall => ({
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
