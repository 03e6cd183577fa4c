import { type Config } from '@clipmesh/config';
import { Media } from './media.js';
import { Espeak } from './speech/espeak.js';

/** Creates a `Media` from the settings. Temporary files go to `tempDir`. */
export function openMedia(config: Config, tempDir: string): Media {
  return new Media({
    threads: config.ffmpegThreads,
    maxProcesses: config.ffmpegProcesses,
    idleTimeoutMs: config.ffmpegIdleTimeoutMs,
    memoryMb: config.ffmpegMemoryMb,
    tempDir,
    preset: config.ffmpegPreset,
    crf: config.ffmpegCrf,
    ...(config.ffmpegPath === undefined ? {} : { ffmpegPath: config.ffmpegPath }),
    ...(config.ffprobePath === undefined ? {} : { ffprobePath: config.ffprobePath }),
    fontFiles: config.overlayFontFiles,
  });
}

/** Creates an `Espeak` from the settings. */
export const openEspeak = (config: Pick<Config, 'espeakPath' | 'speechTimeoutMs' | 'ffmpegProcesses'>): Espeak =>
  new Espeak({ path: config.espeakPath, timeoutMs: config.speechTimeoutMs, maxProcesses: config.ffmpegProcesses });
