import { type ClipRules, type SoundRules } from './media.types.js';
import { type Probe } from './probe.parse.js';

/** Pixels of each side: no video model makes a smaller clip, and none that is larger can be encoded here. */
const SIDE = { min: 16, max: 8192 } as const;

const seconds = (value: number): string => `${Math.round(value * 100) / 100} s`;

/** Why a probed file is no clip that can be used; undefined when it is one. */
export function clipFault({ video, durationSeconds }: Probe, rules: ClipRules): string | undefined {
  if (video === undefined) return 'there is no picture in it';
  const { width, height } = video;
  if (Math.min(width, height) < SIDE.min || Math.max(width, height) > SIDE.max)
    return `${width}x${height} pixels; each side takes ${SIDE.min}-${SIDE.max}`;
  if (durationSeconds <= 0) return 'it has no length';
  const leastSeconds = rules.durationSeconds * rules.minShare;
  if (durationSeconds < leastSeconds)
    return `it lasts ${seconds(durationSeconds)}; of the ${seconds(rules.durationSeconds)} that were asked for, ${seconds(leastSeconds)} are needed`;
  if (durationSeconds > rules.maxSeconds)
    return `it lasts ${seconds(durationSeconds)}; at most ${seconds(rules.maxSeconds)}`;
  return undefined;
}

/** Why a probed file is no sound that can be mixed; undefined when it is one. */
export function soundFault({ audio, video, durationSeconds }: Probe, rules: SoundRules): string | undefined {
  if (audio === undefined)
    return video === undefined ? 'there is no sound in it' : 'there is no sound in it, only a picture';
  if (durationSeconds < rules.minSeconds)
    return `it lasts ${seconds(durationSeconds)}; at least ${seconds(rules.minSeconds)}`;
  return undefined;
}

/** The content type of a clip, by its container. */
export function contentTypeOf({ container }: Probe): string {
  if (container === 'mov') return 'video/quicktime';
  if (container === 'mp4') return 'video/mp4';
  return container === 'webm' ? 'video/webm' : 'application/octet-stream';
}
