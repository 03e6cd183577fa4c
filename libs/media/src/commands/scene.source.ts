import { type EncodeProfile } from '@clipmesh/contracts';
import { alphaFilters, scaleFilters, TAG_FILTER } from './color.filter.js';
import { type Probe } from '../verify/probe.parse.js';

/** Samples of a second of sound. */
const SAMPLE_RATE = 48_000;
/** A longer gap in the sound becomes silence. Shorter ones are rounded timestamps. */
const MAX_GAP_SECONDS = 0.015;

/** The length of a scene: its sound ends with its last frame. */
export interface SceneLength {
  readonly frames: number;
  /** Samples of each channel. */
  readonly samples: number;
}

/** A stream of a clip. */
export type SourceStream = Pick<NonNullable<Probe['audio']>, 'index'>;

export type SourcePicture = NonNullable<Probe['video']>;

/** The length of a scene, in whole frames. */
export function sceneLength(durationSeconds: number, { fps }: EncodeProfile): SceneLength {
  const frames = Math.round(durationSeconds * fps);
  return { frames, samples: Math.round((frames * SAMPLE_RATE) / fps) };
}

/**
 * Filters that convert the pictures of a clip to the profile: progressive, opaque, BT.709. A clip that is too short holds its last frame. Timestamps count from the
 * start of the file, so pictures that start after the sound hold their first frame until then. A crop before the scaling bounds the
 * size of what is scaled.
 */
export function pictureFilters(video: SourcePicture, { width, height, fps }: EncodeProfile, frames: number): string[] {
  const aspect = `(${width}/${height})`;
  return [
    // Gives pictures whose size changes the size of the first, so that no later filter is configured again and counts from 0.
    'scale=w=iw:h=ih',
    ...(video.isInterlaced ? ['bwdif=mode=send_frame:deint=all'] : []),
    `fps=${fps}:start_time=0`,
    ...alphaFilters(video),
    `crop=w=max(2\\,min(iw\\,ih*${aspect}/sar)):h=max(2\\,min(ih\\,iw*sar/${aspect}))`,
    ...scaleFilters(video, { width, height }),
    'setsar=1',
    TAG_FILTER,
    'tpad=stop_mode=clone:stop=-1',
    `trim=end_frame=${frames}`,
  ];
}

/**
 * The filter graph of the sound of a scene: stereo PCM of the exact number of samples, silent when the clip has no sound. Sound that
 * starts after the pictures begins with silence, and gaps in it become silence.
 */
export function soundGraph(source: SourceStream | undefined, samples: number): string {
  if (source === undefined) return `anullsrc=r=${SAMPLE_RATE}:cl=stereo,atrim=end_sample=${samples}`;
  const filters = [
    `aresample=${SAMPLE_RATE}:async=1:min_hard_comp=${MAX_GAP_SECONDS}:first_pts=0`,
    'aformat=sample_fmts=s16:channel_layouts=stereo',
    `apad=whole_len=${samples}`,
    `atrim=end_sample=${samples}`,
  ];
  return `[0:${source.index}]${filters.join(',')}`;
}
