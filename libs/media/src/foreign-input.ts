/** Containers that hold their media themselves. Playlists are none of them: ffmpeg opens whatever files these name. */
const SELF_CONTAINED = [
  ...['mov', 'matroska', 'avi', 'mpegts', 'mpeg', 'flv', 'asf', 'gif'],
  ...['mp3', 'wav', 'w64', 'aac', 'flac', 'ogg', 'aiff', 'caf', 'amr', 'ac3', 'eac3', 'au', 'ape', 'wv', 'tta'],
];

/** For ffmpeg and ffprobe, before an input that others have made: it is read as one file, whatever it says of others. */
export const FOREIGN_INPUT = ['-format_whitelist', SELF_CONTAINED.join(',')] as const;
