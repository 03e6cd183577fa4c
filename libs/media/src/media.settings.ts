import { type Config } from '@clipmesh/config';
import { Media } from './media.js';

/** Creates a `Media` from the settings. Temporary files go to `tempDir`. */
export function openMedia(config: Config, tempDir: string): Media {
  return new Media({
    threads: config.ffmpegThreads,
    maxProcesses: config.ffmpegProcesses,
    idleTimeoutMs: config.ffmpegIdleTimeoutMs,
    tempDir,
    preset: config.ffmpegPreset,
    crf: config.ffmpegCrf,
    ...(config.ffmpegPath === undefined ? {} : { ffmpegPath: config.ffmpegPath }),
    ...(config.ffprobePath === undefined ? {} : { ffprobePath: config.ffprobePath }),
    fontFiles: config.overlayFontFiles,
  });
}
