import { encodeArgs, type EncodeOptions } from './encode.args.js';
import { type TextLayer } from '../text/text.layer.js';
import { type FfmpegCall, type OverlayInput } from './media.types.js';
import { layerFilters, layerInput } from './overlay.filter.js';
import { pictureFilters, sceneLength, soundGraph, type SourcePicture, type SourceStream } from './scene.source.js';
import { type candidateOutput } from '../thumbnails/thumbnail.args.js';
import { UNTRUSTED_INPUT } from './untrusted.input.js';

/** The decoders of libvpx: ffmpeg's own ones ignore the transparency of WebM. */
const ALPHA_DECODERS: Readonly<Record<string, string>> = { vp8: 'libvpx', vp9: 'libvpx-vp9' };
const decoderOf = ({ index, codec, hasAlpha }: SourcePicture): string[] => {
  const decoder = hasAlpha ? ALPHA_DECODERS[codec] : undefined;
  return decoder === undefined ? [] : [`-c:${index}`, decoder];
};

/**
 * Converts a clip to the profile, pads or trims it to the exact duration, lays the text over it and encodes once. Audio becomes PCM.
 * The pictures go on for the frames of a handle after the end. `candidates`: what measures pictures for the thumbnail in the same decode.
 */
export function overlayCall(
  input: OverlayInput,
  source: { readonly video: SourcePicture; readonly audio: SourceStream | undefined },
  text: TextLayer | undefined,
  encode: EncodeOptions,
  candidates?: ReturnType<typeof candidateOutput>,
): FfmpegCall {
  const { leadFrames = 0, handleFrames = 0 } = input;
  const { frames, samples } = sceneLength(input.durationSeconds, input.profile);
  const base = `[0:${source.video.index}]${pictureFilters(source.video, input.profile, frames + handleFrames).join(',')}`;
  const video = text === undefined ? base : `${base}[base];${layerFilters(text, 1)}`;
  const pictures = candidates === undefined ? `${video}[v]` : `${video},split[v][s];[s]${candidates.filters}[c]`;
  const sound = soundGraph(source.audio, samples);
  return {
    inputs: [
      {
        file: input.file,
        options: [
          ...UNTRUSTED_INPUT,
          '-reinit_filter',
          '0',
          '-threads',
          String(encode.threads),
          ...decoderOf(source.video),
        ],
      },
      ...(text === undefined ? [] : [layerInput(text, input.profile)]),
    ],
    options: [
      ...['-filter_complex', pictures, '-filter_complex', `${sound}[a]`],
      ...['-map', '[v]', '-map', '[a]', '-map_metadata', '-1'],
      ...encodeArgs(input.profile, encode, [
        ...(leadFrames === 0 ? [] : [leadFrames]),
        ...(handleFrames === 0 ? [] : [frames]),
      ]),
      ...['-c:a', 'pcm_s16le', '-ar', '48000', '-ac', '2', '-f', 'mov'],
    ],
    output: input.output,
    ...(candidates === undefined ? {} : { also: candidates.output }),
  };
}
