import { ClipmeshError } from '@clipmesh/contracts';
import { z } from 'zod';

/** What a media file holds. */
export const probeSchema = z.object({
  durationSeconds: z.number().nonnegative(),
  bytes: z.number().nonnegative(),
  video: z
    .object({ codec: z.string(), pixelFormat: z.string(), width: z.int(), height: z.int(), fps: z.number() })
    .optional(),
  audio: z.object({ codec: z.string(), sampleRate: z.int(), channels: z.int() }).optional(),
});
export type Probe = z.infer<typeof probeSchema>;

const answerSchema = z.object({
  format: z.object({ duration: z.coerce.number().default(0), size: z.coerce.number().default(0) }),
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
    }),
  ),
});

function rate(text: string): number {
  const [top, bottom] = text.split('/').map(Number);
  return top === undefined || !bottom ? 0 : top / bottom;
}

/** Reads ffprobe's JSON; throws `MEDIA_INVALID` when it describes no picture and no sound. */
export function parseProbe(json: string): Probe {
  let answer: z.infer<typeof answerSchema>;
  try {
    answer = answerSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw new ClipmeshError('MEDIA_INVALID', 'ffprobe could not describe the file', { cause });
  }
  const video = answer.streams.find((stream) => stream.codec_type === 'video');
  const audio = answer.streams.find((stream) => stream.codec_type === 'audio');
  if (video === undefined && audio === undefined)
    throw new ClipmeshError('MEDIA_INVALID', 'the file holds neither picture nor sound');
  return probeSchema.parse({
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
}
