import { type EncodeProfile } from '@clipmesh/contracts';
import { type TextLayer } from '../text/text.layer.js';
import { type FfmpegCall } from './media.types.js';

/** Reads the pictures of a text. The file is ours, and raw: nothing in it is parsed. */
export function layerInput({ file, width, height }: TextLayer, { fps }: EncodeProfile): FfmpegCall['inputs'][number] {
  const size = ['-video_size', `${width}x${height}`, '-framerate', String(fps)];
  return { file, options: ['-f', 'rawvideo', '-pixel_format', 'rgba', ...size] };
}

/**
 * The filters that lay a text over the pictures of a scene, from `[base]` to an output without a label. Each picture of the text is converted
 * once, gets the time of its frame, and stays until the next one.
 */
export function layerFilters({ left, top, frames }: TextLayer, input: number): string {
  const jumps = frames.flatMap((frame, index) => {
    const jump = frame - (frames[index - 1] ?? -1) - 1;
    return jump > 0 ? [`+gte(N\\,${index})*${jump}`] : [];
  });
  const text = [
    `setpts=(N${jumps.join('')})/FR/TB`,
    'scale=out_color_matrix=bt709:out_range=tv',
    'format=yuva420p',
  ].join(',');
  return `[${input}:v]${text}[text];[base][text]overlay=x=${left}:y=${top}:format=yuv420:eof_action=repeat`;
}
