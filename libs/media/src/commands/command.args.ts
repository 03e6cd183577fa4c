import createCommand from 'fluent-ffmpeg';
import { type FfmpegCall } from './media.types.js';

/** The `output` of a call that writes no file. */
export const NO_FILE = '-';

/** Sends progress to standard output. Sends log lines with their level, and the CPU time, to standard error. */
const REPORTING = [
  ...['-hide_banner', '-nostdin', '-loglevel', 'level+info', '-nostats', '-benchmark'],
  ...['-progress', 'pipe:1'],
] as const;

/** Builds ffmpeg's arguments for a call with fluent-ffmpeg, which starts no process. */
export function ffmpegArgs(call: FfmpegCall): string[] {
  const command = createCommand();
  for (const input of call.inputs) {
    command.input(input.file);
    // Passed as several arguments: fluent-ffmpeg splits a single one at its space.
    if (input.options.length > 0) command.inputOptions(...input.options);
  }
  command.output(call.output);
  if (call.options.length > 0) command.outputOptions(...call.options);
  if (call.also !== undefined) command.output(call.also.output).outputOptions(...call.also.options);
  return [...REPORTING, ...command._getArguments()];
}

/** Escapes a value for an option inside a filter graph: once for the option, once for the graph. */
export function filterValue(value: string): string {
  return value.replace(/[\\':]/gu, '\\$&').replace(/[\\'[\],;]/gu, '\\$&');
}
