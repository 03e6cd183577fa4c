import { execFileSync } from 'node:child_process';

const TIMEOUT = { timeout: 120_000, maxBuffer: 256 * 1024 * 1024 } as const;
export const RATE = 48_000;

/** Writes the sound of a lavfi source as a stereo WAV of floats. */
export function writeSound(file: string, source: string, seconds: number): string {
  const graph = `${source},aformat=sample_rates=${RATE},atrim=duration=${seconds}`;
  const pan = 'pan=stereo|c0=c0|c1=c0';
  const args = ['-v', 'error', '-y', '-f', 'lavfi', '-i', `${graph},${pan}`, '-c:a', 'pcm_f32le', file];
  execFileSync('ffmpeg', args, TIMEOUT);
  return file;
}

/** The first channel of a file's sound. */
export function samplesIn(file: string): Float32Array {
  const args = ['-v', 'error', '-i', file, '-map', '0:a:0', '-af', 'pan=mono|c0=c0', '-f', 'f32le', '-'];
  const bytes = execFileSync('ffmpeg', args, TIMEOUT);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** Integrated loudness (LUFS) and true peak (dBTP) of a file, as ffmpeg's EBU R128 scanner sums them up. */
export function loudnessOf(file: string): { integrated: number; truePeak: number } {
  const filter = 'ebur128=peak=true:metadata=1,ametadata=mode=print:file=-';
  const args = ['-v', 'error', '-i', file, '-map', '0:a:0', '-af', filter, '-f', 'null', '/dev/null'];
  const text = execFileSync('ffmpeg', args, { ...TIMEOUT, encoding: 'utf8' });
  const last = (key: string): number => Number(text.slice(text.lastIndexOf(`${key}=`)).split(/[=\n]/u)[1]);
  return { integrated: last('r128.I'), truePeak: 20 * Math.log10(last('r128.true_peak')) };
}

/** Samples that the container announces, without the encoder's padding. */
export function announcedSamples(file: string): number {
  const shown = ['-v', 'error', '-select_streams', 'a:0', '-show_entries', 'stream=duration_ts', '-of', 'csv=p=0'];
  return Number(execFileSync('ffprobe', [...shown, file], { ...TIMEOUT, encoding: 'utf8' }));
}

/** The largest step between two neighbouring samples of a stretch. */
export function largestStep(samples: Float32Array, fromSeconds: number, toSeconds: number): number {
  let largest = 0;
  for (let index = Math.max(1, Math.round(fromSeconds * RATE)); index < toSeconds * RATE; index += 1)
    largest = Math.max(largest, Math.abs((samples[index] ?? 0) - (samples[index - 1] ?? 0)));
  return largest;
}

/** Amplitude of one frequency in a stretch (Goertzel). */
export function amplitudeAt(samples: Float32Array, hertz: number, fromSeconds: number, toSeconds: number): number {
  let [cosine, sine, count] = [0, 0, 0];
  for (let index = Math.round(fromSeconds * RATE); index < toSeconds * RATE; index += 1) {
    const angle = (2 * Math.PI * hertz * index) / RATE;
    cosine += (samples[index] ?? 0) * Math.cos(angle);
    sine += (samples[index] ?? 0) * Math.sin(angle);
    count += 1;
  }
  return (2 * Math.hypot(cosine, sine)) / count;
}
export const decibels = (ratio: number): number => 20 * Math.log10(ratio);
