import createCommand from 'fluent-ffmpeg';
import { type FfmpegCall } from './media.types.js';

/** The output of a call that writes no file. */
export const NO_FILE = '-';

/** Progress goes to standard output; errors, marked with their level, and the CPU time go to standard error. */
const REPORTING = [
  ...['-hide_banner', '-nostdin', '-loglevel', 'level+info', '-nostats', '-benchmark'],
  ...['-progress', 'pipe:1'],
] as const;

/** ffmpeg's arguments for a call. fluent-ffmpeg builds them and starts nothing. */
export function ffmpegArgs(call: FfmpegCall): string[] {
  const command = createCommand();
  for (const input of call.inputs) {
    command.input(input.file);
    // Two or more arguments stay whole; fluent-ffmpeg splits a lone one at its space.
    if (input.options.length > 0) command.inputOptions(...input.options);
  }
  command.output(call.output);
  if (call.options.length > 0) command.outputOptions(...call.options);
  return [...REPORTING, ...command._getArguments()];
}
