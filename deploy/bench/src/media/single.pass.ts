import { execFile } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { type EncodeProfile } from '@clipmesh/contracts';

const FFMPEG_MS = 300_000;
const LOUDNESS = 'loudnorm=I=-14:TP=-1:LRA=11';

/** What one ffmpeg command took, ms. */
export interface Taken {
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** Runs one ffmpeg command. Throws when it fails or does not report its CPU time. */
export async function ffmpeg(args: readonly string[]): Promise<Taken> {
  const start = performance.now();
  const options = ['-hide_banner', '-nostdin', '-nostats', '-benchmark', '-y'];
  const { stderr } = await promisify(execFile)('ffmpeg', [...options, ...args], { timeout: FFMPEG_MS });
  const wallMs = performance.now() - start;
  const [, user, system] = /bench: utime=([\d.]+)s stime=([\d.]+)s/u.exec(stderr) ?? [];
  if (user === undefined || system === undefined) throw new Error('ffmpeg did not report its CPU time');
  return { wallMs, cpuMs: (Number(user) + Number(system)) * 1000 };
}

export interface SinglePass {
  readonly clips: readonly string[];
  /** The length of each scene. */
  readonly seconds: number;
  readonly profile: EncodeProfile;
  /** Length of the cross-fades, frames. 0: cuts. */
  readonly fadeFrames: number;
  readonly fontFile: string;
  readonly text: string;
  readonly threads: number;
  readonly output: string;
}

/**
 * One command that makes the same video from the clips: size, rate, text, cuts or cross-fades of the same length and place, loudness,
 * one encode. It makes no thumbnail.
 */
export function singlePassArgs(input: SinglePass): string[] {
  const { clips, seconds, profile, fadeFrames, fontFile, text, threads, output } = input;
  const { width, height, fps } = profile;
  const pictures = clips.map((_, index) => {
    const frames = seconds * fps + (index < clips.length - 1 ? fadeFrames : 0);
    const filters = [
      `fps=${fps}`,
      `scale=${width}:${height}:force_original_aspect_ratio=increase:flags=bicubic`,
      `crop=${width}:${height},setsar=1,tpad=stop_mode=clone:stop=-1,trim=end_frame=${frames}`,
      `format=yuv420p,settb=1/${fps},setpts=N`,
      `drawtext=fontfile=${fontFile}:text='${text}':fontsize=56:fontcolor=white:shadowx=3:shadowy=3:x=(w-text_w)/2:y=h*0.7:alpha='min(1,t/0.5)'`,
    ];
    return `[${index}:v]${filters.join(',')}[v${index}]`;
  });
  const sounds = clips.map(
    (_, index) =>
      `[${index}:a]aresample=48000,aformat=channel_layouts=stereo,apad,atrim=duration=${seconds},asetpts=N/SR/TB[a${index}]`,
  );
  const labels = (kind: string): string => clips.map((_, index) => `[${kind}${index}]`).join('');
  const fades = clips.slice(1).map((_, at) => {
    const from = at === 0 ? '[v0]' : `[f${at}]`;
    const to = at === clips.length - 2 ? '[v]' : `[f${at + 1}]`;
    return `${from}[v${at + 1}]xfade=transition=fade:duration=${fadeFrames / fps}:offset=${(at + 1) * seconds}${to}`;
  });
  const joined = fadeFrames === 0 ? [`${labels('v')}concat=n=${clips.length}:v=1:a=0[v]`] : fades;
  const sound = `${labels('a')}concat=n=${clips.length}:v=0:a=1,${LOUDNESS},aresample=48000[a]`;
  return [
    ...clips.flatMap((clip) => ['-i', clip]),
    ...['-filter_complex', [...pictures, ...sounds, ...joined, sound].join(';'), '-map', '[v]', '-map', '[a]'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-bf', '0', '-g', String(fps * 2)],
    ...['-threads', String(threads), '-filter_complex_threads', String(threads)],
    ...['-c:a', 'aac', '-b:a', '192k', '-movflags', '+faststart', output],
  ];
}

/** The command that joins finished scenes by copy and encodes their sound. */
export const copyJoinArgs = (list: string, output: string): string[] => [
  ...['-f', 'concat', '-safe', '0', '-i', list, '-map', '0:v:0', '-map', '0:a:0', '-c:v', 'copy'],
  ...['-c:a', 'aac', '-b:a', '192k', '-movflags', '+faststart', output],
];
