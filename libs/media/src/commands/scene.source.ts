import { type EncodeProfile } from '@clipmesh/contracts';

/** Filters that convert the pictures of a clip to the profile, padded or trimmed to the exact duration. */
export function pictureFilters(profile: EncodeProfile, durationSeconds: number): string[] {
  const { width, height, fps } = profile;
  return [
    'setpts=PTS-STARTPTS',
    `fps=${fps}`,
    'scale=w=max(2\\,trunc(iw*sar/2)*2):h=ih',
    `scale=${width}:${height}:force_original_aspect_ratio=increase:flags=bicubic`,
    `crop=${width}:${height}`,
    'setsar=1',
    `tpad=stop_mode=clone:stop_duration=${durationSeconds}`,
    `trim=duration=${durationSeconds}`,
    'format=yuv420p',
  ];
}

/** The filter graph of the sound of a scene: stereo PCM of the exact duration, silent when the clip has no sound. */
export function soundGraph(source: { hasAudio: boolean }, durationSeconds: number): string {
  return source.hasAudio
    ? `[0:a:0]aresample=48000:async=1:first_pts=0,aformat=sample_fmts=s16:channel_layouts=stereo,apad=whole_dur=${durationSeconds},atrim=duration=${durationSeconds}`
    : `anullsrc=r=48000:cl=stereo,atrim=duration=${durationSeconds}`;
}
