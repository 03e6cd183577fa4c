/** Container formats that contain their media. No playlists: ffmpeg opens any file that a playlist names. */
const SELF_CONTAINED = [
  ...['mov', 'matroska', 'avi', 'mpegts', 'mpeg', 'flv', 'asf', 'gif'],
  ...['mp3', 'wav', 'w64', 'aac', 'flac', 'ogg', 'aiff', 'caf', 'amr', 'ac3', 'eac3', 'au', 'ape', 'wv', 'tta'],
];

/** Pixels of the largest picture that is decoded. A clip of 4K has 8.8 million. */
export const MAX_PIXELS = 9_500_000;

/**
 * Options for ffmpeg and ffprobe before an untrusted input: no other file is read, even if the input refers to one, and no larger
 * picture is decoded than {@link MAX_PIXELS}.
 */
export const UNTRUSTED_INPUT = [
  ...['-format_whitelist', SELF_CONTAINED.join(',')],
  ...['-max_pixels', String(MAX_PIXELS)],
] as const;
