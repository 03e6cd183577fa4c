import { NO_FILE } from './command.args.js';
import { type FfmpegCall } from './media.types.js';
import { filterValue } from './overlay.filter.js';

const SAMPLES = 8;

/** Measures the luma of the middle frame of each of eight segments. */
export function measureCall(video: string, durationSeconds: number, statsFile: string, threads: number): FfmpegCall {
  const step = durationSeconds / SAMPLES;
  const select = `select='if(isnan(prev_selected_t),gte(t,${step / 2}),gte(t-prev_selected_t,${step}))'`;
  return {
    inputs: [{ file: video, options: ['-threads', String(threads)] }],
    options: [
      '-map',
      '0:v:0',
      '-vf',
      `${select},scale=160:-2,signalstats,metadata=mode=print:file=${filterValue(statsFile)}`,
      '-f',
      'null',
    ],
    output: NO_FILE,
  };
}

/** The time of the brightest frame in the output of `metadata=print`, seconds; undefined when it has no frame. */
export function brightestSecond(stats: string): number | undefined {
  let second: number | undefined;
  let best: { second: number; luma: number } | undefined;
  for (const line of stats.split('\n')) {
    const time = /pts_time:\s*([\d.]+)/u.exec(line)?.[1];
    if (time !== undefined) second = Number(time);
    const luma = /signalstats\.YAVG=([\d.]+)/u.exec(line)?.[1];
    if (luma === undefined || second === undefined) continue;
    if (best === undefined || Number(luma) > best.luma) best = { second, luma: Number(luma) };
  }
  return best?.second;
}

/** Writes the frame at `second` as a JPEG. */
export function frameCall(video: string, second: number, output: string): FfmpegCall {
  return {
    inputs: [{ file: video, options: ['-ss', second.toFixed(3)] }],
    options: ['-map', '0:v:0', '-frames:v', '1', '-q:v', '3', '-threads', '1', '-f', 'image2', '-update', '1'],
    output,
  };
}
