import { type ClipRules, type SoundRules, type SpeechRules } from '../commands/media.types.js';
import { colorProblem } from '../commands/color.filter.js';
import { MAX_PIXELS } from '../commands/untrusted.input.js';
import { type Probe } from './probe.parse.js';

/** Limits of each side, pixels. No video model makes smaller clips; larger ones cannot be encoded. */
const SIDE = { min: 16, max: 8192 } as const;

const MAX_FPS = 240;
/** Pixels of a second: 4K at 60 frames a second. */
const MAX_PIXEL_RATE = 60 * MAX_PIXELS;
/** Bits of a second. Uncompressed pictures of 1280x720 have 270 million. */
const MAX_BIT_RATE = 1_000_000_000;

const seconds = (value: number): string => `${Math.round(value * 100) / 100} s`;

/**
 * The reason why the pictures of a probed file cannot be decoded in bounded time and memory; undefined when they can. No pixel has to be
 * decoded to know it.
 */
export function pictureProblem({ video, durationSeconds, bytes }: Probe): string | undefined {
  if (video === undefined) return 'it has no video stream';
  const { width, height, fps } = video;
  // A decoder that refuses a picture reports no size.
  if (width === 0 && height === 0) return `its pictures have no size, or more than ${MAX_PIXELS} pixels`;
  if (Math.min(width, height) < SIDE.min || Math.max(width, height) > SIDE.max)
    return `${width}x${height} pixels; each side must be ${SIDE.min}-${SIDE.max}`;
  if (width * height > MAX_PIXELS) return `${width}x${height} pixels; at most ${MAX_PIXELS} are allowed`;
  if (fps > MAX_FPS) return `it has ${Math.round(fps)} frames a second; at most ${MAX_FPS} are allowed`;
  if (width * height * fps > MAX_PIXEL_RATE)
    return `${width}x${height} pixels at ${Math.round(fps)} frames a second; at most ${MAX_PIXEL_RATE} pixels a second are allowed`;
  const color = colorProblem(video);
  if (color !== undefined) return color;
  if (durationSeconds > 0 && (bytes * 8) / durationSeconds > MAX_BIT_RATE)
    return `it has ${Math.round((bytes * 8) / durationSeconds / 1e6)} Mbit/s; at most ${MAX_BIT_RATE / 1e6} are allowed`;
  return undefined;
}

/** The reason why a probed file is not a usable clip; undefined when it is one. */
export function clipProblem(probe: Probe, rules: ClipRules): string | undefined {
  const problem = pictureProblem(probe);
  if (problem !== undefined) return problem;
  const { durationSeconds } = probe;
  if (durationSeconds <= 0) return 'it has no duration';
  const leastSeconds = rules.durationSeconds * rules.minShare;
  if (durationSeconds < leastSeconds)
    return `it lasts ${seconds(durationSeconds)}; a clip of ${seconds(rules.durationSeconds)} must last at least ${seconds(leastSeconds)}`;
  if (durationSeconds > rules.maxSeconds)
    return `it lasts ${seconds(durationSeconds)}; at most ${seconds(rules.maxSeconds)} are allowed`;
  return undefined;
}

/** The reason why the audio of a probed file cannot be mixed; undefined when it can. */
export function soundProblem({ audio, video, durationSeconds }: Probe, rules: SoundRules): string | undefined {
  if (audio === undefined) return video === undefined ? 'it has no audio stream' : 'it has no audio stream, only video';
  if (durationSeconds < rules.minSeconds)
    return `it lasts ${seconds(durationSeconds)}; at least ${seconds(rules.minSeconds)} are needed`;
  return undefined;
}

/** Below this peak a speech is silence, dBFS. */
const SILENT_DB = -60;

/** The reason why a decoded speech is not usable; undefined when it is. */
export function speechProblem(
  { durationSeconds, peakDb }: { readonly durationSeconds: number; readonly peakDb: number },
  rules: SpeechRules,
): string | undefined {
  if (durationSeconds <= 0) return 'it has no samples';
  if (durationSeconds < rules.minSeconds)
    return `it lasts ${seconds(durationSeconds)}; its text takes at least ${seconds(rules.minSeconds)}`;
  if (durationSeconds > rules.maxSeconds)
    return `it lasts more than ${seconds(rules.maxSeconds)}, the most that its text can take`;
  return peakDb < SILENT_DB ? 'it is silent' : undefined;
}

/** The content type of a clip, by its container. */
export function contentTypeOf({ container }: Probe): string {
  if (container === 'mov') return 'video/quicktime';
  if (container === 'mp4') return 'video/mp4';
  return container === 'webm' ? 'video/webm' : 'application/octet-stream';
}
