/** Everything of ffmpeg that the calls of this library name, by the flag that lists it. */
export const REQUIRED = {
  '-encoders': ['libx264', 'aac', 'pcm_s16le', 'mjpeg', 'wrapped_avframe', 'rawvideo'],
  '-muxers': ['mp4', 'mov', 'image2', 'null', 'framecrc'],
  '-demuxers': ['concat', 'lavfi', 'jpeg_pipe', 'png_pipe'],
  '-filters': [
    ...['setpts', 'fps', 'scale', 'crop', 'setsar', 'tpad', 'trim', 'format', 'drawtext', 'overlay'],
    ...['aresample', 'aformat', 'apad', 'atrim', 'afade', 'volume', 'amix', 'alimiter', 'anullsrc'],
    ...['select', 'signalstats', 'metadata', 'gradients', 'color', 'sine'],
  ],
} as const satisfies Record<string, readonly string[]>;
export type ListFlag = keyof typeof REQUIRED;

/** The names that a listing of ffmpeg's lacks: its second column, where one entry may carry several names. */
export function missingFrom(listing: string, names: readonly string[]): string[] {
  const found = new Set(
    listing
      .split('\n')
      .map((line) => line.trim().split(/\s+/u)[1] ?? '')
      .flatMap((column) => column.split(',')),
  );
  return names.filter((name) => !found.has(name));
}

/** One sentence on what an ffmpeg lacks. */
export function missingSentence(missing: readonly string[]): string {
  return `ffmpeg was built without ${missing.join(', ')}; install a full build of ffmpeg 5.1 or newer.`;
}
