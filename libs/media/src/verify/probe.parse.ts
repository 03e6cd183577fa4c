import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';

/** The description of a media file. */
export const probeSchema = z.object({
  container: z.enum(['mp4', 'mov', 'webm', 'other']),
  /** Duration in the container; 0 when it has none, as in a live recording. */
  durationSeconds: z.number().nonnegative(),
  bytes: z.number().nonnegative(),
  /** The first video stream, excluding cover images of audio files. */
  video: z
    .object({ codec: z.string(), pixelFormat: z.string(), width: z.int(), height: z.int(), fps: z.number() })
    .optional(),
  audio: z.object({ codec: z.string(), sampleRate: z.int(), channels: z.int() }).optional(),
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
    z.object({
      codec_type: z.string().optional(),
      codec_name: z.string().default('unknown'),
      pix_fmt: z.string().default('unknown'),
      width: z.number().default(0),
      height: z.number().default(0),
      avg_frame_rate: z.string().default('0/1'),
      sample_rate: z.coerce.number().default(0),
      channels: z.number().default(0),
      disposition: z.object({ attached_pic: z.number().default(0) }).default({ attached_pic: 0 }),
    }),
  ),
});

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
  const video = answer.streams.find(
    ({ codec_type: type, disposition }) => type === 'video' && disposition.attached_pic === 0,
  );
  const audio = answer.streams.find((stream) => stream.codec_type === 'audio');
  if (!answer.streams.some(({ codec_type: type }) => type === 'video' || type === 'audio'))
    throw new ClipmeshError('MEDIA_INVALID', 'the file has neither video nor audio');
  const probe = probeSchema.safeParse({
    container: containerOf(answer.format),
    durationSeconds: answer.format.duration,
    bytes: answer.format.size,
    ...(video && {
      video: {
        codec: video.codec_name,
        pixelFormat: video.pix_fmt,
        width: video.width,
        height: video.height,
        fps: rate(video.avg_frame_rate),
      },
    }),
    ...(audio && { audio: { codec: audio.codec_name, sampleRate: audio.sample_rate, channels: audio.channels } }),
  });
  if (probe.success) return probe.data;
  throw new ClipmeshError('MEDIA_INVALID', 'ffprobe reported impossible values for the file', { cause: probe.error });
}
