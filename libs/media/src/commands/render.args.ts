import { createHash } from 'node:crypto';
import { type FfmpegCall, type RenderInput } from './media.types.js';

function hex(hue: number, lightness: number): string {
  const channel = (n: number): string => {
    const k = (n + hue / 30) % 12;
    const value = lightness - Math.min(lightness, 1 - lightness) * 0.85 * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, '0');
  };
  return `0x${channel(0)}${channel(8)}${channel(4)}`;
}

/** Renders a bright moving test clip. Seed and label determine colours, shape and tone. The same input gives the same bytes. */
export function renderCall(input: RenderInput): FfmpegCall {
  const hash = createHash('sha256').update(`${input.seed}\n${input.label}`).digest();
  const hue = hash.readUInt16BE(0) % 360;
  // Rendered small and scaled up, because test clips should be cheap.
  const width = Math.max(32, Math.ceil(input.width / 8));
  const height = Math.max(32, Math.ceil(input.height / 8));
  const box = Math.max(8, Math.round(Math.min(width, height) * (0.2 + (hash.readUInt8(2) / 255) * 0.25)));
  const speed = { x: 0.3 + hash.readUInt8(3) / 300, y: 0.2 + hash.readUInt8(4) / 300 };
  const duration = input.durationSeconds;
  const tone = 220 + ((Math.abs(input.seed) * 37 + hash.readUInt8(5)) % 440);
  const gradient = `gradients=s=${width}x${height}:r=24:d=${duration}:n=2:c0=${hex(hue, 0.6)}:c1=${hex((hue + 40) % 360, 0.75)}:x0=0:y0=0:x1=${width - 1}:y1=${height - 1}:speed=0.02:seed=${hash.readUInt16BE(6)}`;
  const background =
    input.image === undefined
      ? { file: gradient, options: ['-f', 'lavfi'] }
      : { file: input.image, options: ['-f', 'image2', '-pattern_type', 'none', '-loop', '1', '-framerate', '24'] };
  const cover = `scale=${width}:${height}:force_original_aspect_ratio=increase:flags=area,crop=${width}:${height},setsar=1`;
  const shape = `color=c=${hex((hue + 180) % 360, 0.7)}:s=${box}x${box}:r=24:d=${duration}`;
  const graph =
    `${input.image === undefined ? '[0:v]' : `[0:v]${cover}[b];[b]`}[1:v]overlay=x='(W-w)*(0.5+0.5*sin(t*${(speed.x * 4).toFixed(3)}))':y='(H-h)*(0.5+0.5*cos(t*${(speed.y * 4).toFixed(3)}))',` +
    `scale=${input.width}:${input.height}:flags=bilinear,setsar=1,format=yuv420p[v]`;
  return {
    inputs: [
      background,
      { file: shape, options: ['-f', 'lavfi'] },
      { file: `sine=frequency=${tone}:sample_rate=48000:duration=${duration}`, options: ['-f', 'lavfi'] },
    ],
    options: [
      ...[
        '-filter_complex',
        graph,
        '-filter_complex_threads',
        '1',
        '-map',
        '[v]',
        '-map',
        '2:a',
        '-t',
        String(duration),
      ],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '26', '-threads', '1', '-pix_fmt', 'yuv420p'],
      ...['-c:a', 'aac', '-b:a', '96k', '-map_metadata', '-1', '-fflags', '+bitexact'],
      ...['-flags:v', '+bitexact', '-flags:a', '+bitexact', '-movflags', '+faststart', '-f', 'mp4'],
    ],
    output: input.output,
  };
}
