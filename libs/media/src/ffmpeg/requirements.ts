/** The ffmpeg components that this library uses, by the flag that lists them. */
export const REQUIRED = {
  '-encoders': ['libx264', 'aac', 'pcm_s16le', 'mjpeg', 'wrapped_avframe', 'rawvideo', 'pcm_f32le'],
  '-muxers': ['mp4', 'mov', 'image2', 'null', 'framecrc', 'f32le'],
  '-demuxers': ['concat', 'lavfi', 'jpeg_pipe', 'png_pipe', 'rawvideo', 'f32le'],
  '-decoders': ['libvpx', 'libvpx-vp9'],
  '-filters': [
    ...['zscale', 'tonemap', 'bwdif', 'setparams', 'premultiply'],
    ...['setpts', 'fps', 'scale', 'crop', 'setsar', 'tpad', 'trim', 'format', 'overlay'],
    ...['aresample', 'aformat', 'apad', 'atrim', 'afade', 'volume', 'amix', 'alimiter', 'anullsrc'],
    ...['astats', 'ametadata', 'ebur128', 'asplit', 'asetpts', 'aloop', 'concat', 'adelay'],
    ...['anull', 'anullsink', 'sidechaincompress', 'atempo'],
    ...['xfade', 'limiter', 'settb', 'split', 'select', 'signalstats', 'metadata', 'gradients', 'color', 'sine'],
  ],
} as const satisfies Record<string, readonly string[]>;
export type ListFlag = keyof typeof REQUIRED;

/** The names that are missing from a listing of ffmpeg. Names are in its second column, separated by commas. */
export function missingFrom(listing: string, names: readonly string[]): string[] {
  const found = new Set(
    listing
      .split('\n')
      .map((line) => line.trim().split(/\s+/u)[1] ?? '')
      .flatMap((column) => column.split(',')),
  );
  return names.filter((name) => !found.has(name));
}

/** The error message for missing components. */
export function missingMessage(missing: readonly string[]): string {
  return `ffmpeg was built without ${missing.join(', ')}; install a full build of ffmpeg 5.1 or newer.`;
}
