import { type EncodeProfile } from '@clipmesh/contracts';
import { type Area } from '../text/style/text.area.js';
import { type FfmpegCall, type OverlayInput } from './media.types.js';
import { pictureFilters, type SourcePicture } from './scene.source.js';
import { UNTRUSTED_INPUT } from './untrusted.input.js';

/** Pictures of the ground that are measured: two a second, but not more than these in all. */
const GROUNDS_PER_SECOND = 2;
const MAX_GROUNDS = 20;

/** Writes an area of some pictures of a scene as raw RGB, one after the other, before any text is on them. */
export function groundCall(
  { file, durationSeconds, profile }: Pick<OverlayInput, 'file' | 'durationSeconds' | 'profile'>,
  video: SourcePicture,
  { left, top, width, height }: Area,
  output: string,
): FfmpegCall {
  const fps = Math.min(GROUNDS_PER_SECOND, MAX_GROUNDS / durationSeconds);
  const sparse: EncodeProfile = { ...profile, fps };
  const filters = [
    ...pictureFilters(video, sparse, Math.max(1, Math.round(durationSeconds * fps))),
    `crop=${width}:${height}:${left}:${top}`,
    'scale=in_color_matrix=bt709:in_range=tv',
    'format=rgb24',
  ];
  return {
    // Without the loop filter, decoding takes less time, and contrast is the same.
    inputs: [
      { file, options: [...UNTRUSTED_INPUT, '-reinit_filter', '0', '-threads', '1', '-skip_loop_filter', 'all'] },
    ],
    options: ['-map', `0:${video.index}`, '-vf', filters.join(','), '-f', 'rawvideo'],
    output,
  };
}
