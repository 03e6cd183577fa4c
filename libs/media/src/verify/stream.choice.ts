import { z } from 'zod';

const flag = z.number().default(0);
/** The fields of a stream that the choice depends on, as ffprobe prints them. */
export const streamSchema = z.object({
  index: z.number().default(0),
  codec_name: z.string().default('unknown'),
  disposition: z
    .object({ default: flag, attached_pic: flag, timed_thumbnails: flag, still_image: flag })
    .default({ default: 0, attached_pic: 0, timed_thumbnails: 0, still_image: 0 }),
});
type Stream = z.infer<typeof streamSchema>;

/** Whether a stream is a picture about the file and not a moving picture. */
export const isPicture = ({ disposition }: Stream): boolean =>
  disposition.attached_pic + disposition.timed_thumbnails + disposition.still_image > 0;

/** Preference of ffmpeg for a stream that its file marks as the default. */
const DEFAULT_BONUS = 5_000_000;
const UNKNOWN_PENALTY = 1e12;

/**
 * The stream that ffmpeg would choose: the largest one, and rather one that is marked as the default. A stream whose codec ffmpeg does
 * not know comes last.
 */
export function choose<T extends Stream>(streams: readonly T[], sizeOf: (stream: T) => number): T | undefined {
  const score = (stream: T): number =>
    sizeOf(stream) +
    stream.disposition.default * DEFAULT_BONUS -
    (stream.codec_name === 'unknown' ? UNKNOWN_PENALTY : 0);
  return [...streams].sort((a, b) => score(b) - score(a) || a.index - b.index)[0];
}
