import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';
import { choose, isPicture, streamSchema } from './stream.choice.js';

/** The description of a media file. */
export const probeSchema = z.object({
  container: z.enum(['mp4', 'mov', 'webm', 'other']),
  /** Duration in the container; 0 when it has none, as in a live recording. */
  durationSeconds: z.number().nonnegative(),
  bytes: z.number().nonnegative(),
  /** The video stream that ffmpeg would choose, excluding cover images of audio files. */
  video: z
    .object({
      /** Number of the stream in the file. */
      index: z.int().nonnegative(),
      codec: z.string(),
      pixelFormat: z.string(),
      width: z.int(),
      height: z.int(),
      fps: z.number(),
      isInterlaced: z.boolean(),
      hasAlpha: z.boolean(),
      /** The tags of the colours, in ffmpeg's names. */
      color: z.object({
        matrix: z.string().optional(),
        primaries: z.string().optional(),
        transfer: z.string().optional(),
        range: z.string().optional(),
      }),
    })
    .optional(),
  /** The audio stream that ffmpeg would choose. */
  audio: z
    .object({
      index: z.int().nonnegative(),
      codec: z.string(),
      sampleRate: z.int(),
      channels: z.int(),
    })
    .optional(),
});
export type Probe = z.infer<typeof probeSchema>;

const answerSchema = z.object({
  format: z.object({
    format_name: z.string().default(''),
    duration: z.coerce.number().default(0),
    size: z.coerce.number().default(0),
    tags: z.record(z.string(), z.string()).default({}),
  }),
  streams: z.array(
    streamSchema.extend({
      codec_type: z.string().optional(),
      pix_fmt: z.string().default('unknown'),
      width: z.number().default(0),
      height: z.number().default(0),
      avg_frame_rate: z.string().default('0/1'),
      field_order: z.string().optional(),
      color_space: z.string().optional(),
      color_primaries: z.string().optional(),
      color_transfer: z.string().optional(),
      color_range: z.string().optional(),
      tags: z.record(z.string(), z.string()).default({}),
      sample_rate: z.coerce.number().default(0),
      channels: z.number().default(0),
    }),
  ),
});

const INTERLACED: ReadonlySet<string> = new Set(['tt', 'bb', 'tb', 'bt']);

/** WebM has the transparency in a stream of its own, which a tag announces. */
const hasAlpha = (pixelFormat: string, tags: Readonly<Record<string, string>>): boolean =>
  /^(?:yuva|gbrap|ya\d|rgba|bgra|argb|abgr|pal8)/u.test(pixelFormat) ||
  (tags['alpha_mode'] ?? tags['ALPHA_MODE']) === '1';

function rate(text: string): number {
  const [top, bottom] = text.split('/').map(Number);
  return top === undefined || !bottom ? 0 : top / bottom;
}

function containerOf({ format_name: name, tags }: z.infer<typeof answerSchema>['format']): Probe['container'] {
  const names = name.split(',');
  if (names.includes('mp4')) return tags['major_brand']?.startsWith('qt') === true ? 'mov' : 'mp4';
  return names.includes('webm') ? 'webm' : 'other';
}

/**
 * Parses ffprobe's JSON. Throws `MEDIA_INVALID` when it has neither a video nor an audio stream, or has impossible values.
 */
export function parseProbe(json: string): Probe {
  let answer: z.infer<typeof answerSchema>;
  try {
    answer = answerSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new ClipmeshError('MEDIA_INVALID', 'ffprobe could not describe the file', { cause });
  }
  const all = (type: string): typeof answer.streams => answer.streams.filter((stream) => stream.codec_type === type);
  const video = choose(
    all('video').filter((stream) => !isPicture(stream)),
    ({ width, height }) => width * height,
  );
  const audio = choose(all('audio'), ({ channels }) => channels);
  if (!answer.streams.some(({ codec_type: type }) => type === 'video' || type === 'audio'))
    throw new ClipmeshError('MEDIA_INVALID', 'the file has neither video nor audio');
  const probe = probeSchema.safeParse({
    container: containerOf(answer.format),
    durationSeconds: answer.format.duration,
    bytes: answer.format.size,
    ...(video && {
      video: {
        index: video.index,
        codec: video.codec_name,
        pixelFormat: video.pix_fmt,
        width: video.width,
        height: video.height,
        fps: rate(video.avg_frame_rate),
        isInterlaced: INTERLACED.has(video.field_order ?? ''),
        hasAlpha: hasAlpha(video.pix_fmt, video.tags),
        color: {
          matrix: video.color_space,
          primaries: video.color_primaries,
          transfer: video.color_transfer,
          range: video.color_range,
        },
      },
    }),
    ...(audio && {
      audio: {
        index: audio.index,
        codec: audio.codec_name,
        sampleRate: audio.sample_rate,
        channels: audio.channels,
      },
    }),
  });
  if (probe.success) return probe.data;
  throw new ClipmeshError('MEDIA_INVALID', 'ffprobe reported impossible values for the file', { cause: probe.error });
}
