import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ClipmeshError, type EncodeProfile, type OverlayText } from '@clipmesh/contracts';
import { withSpan } from '@clipmesh/tracing';
import ffmpeg from 'fluent-ffmpeg';
import opentype from 'opentype.js';
import { z } from 'zod';
import { concatList, encodeOptions, pictureFilter, soundFilter, textFilters } from './arguments.js';
import { FfmpegRunner, type RunContext, type RunnerOptions } from './ffmpeg.runner.js';
import { layoutText } from './text.layout.js';

export interface MediaOptions extends RunnerOptions {
  /** Threads of each process. */
  readonly threads: number;
  readonly tempDir: string;
  /** TrueType font; DejaVu Sans Bold unless given. */
  readonly fontFile?: string;
  /** x264 preset; veryfast unless given. */
  readonly preset?: string;
  /** x264 quality; 20 unless given. */
  readonly crf?: number;
}

export interface Probe {
  readonly durationSeconds: number;
  readonly bytes: number;
  readonly video?: { readonly codec: string; readonly pixelFormat: string; readonly width: number; readonly height: number; readonly fps: number };
  readonly audio?: { readonly codec: string; readonly sampleRate: number; readonly channels: number };
}

const streamSchema = z.object({
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  pix_fmt: z.string().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  avg_frame_rate: z.string().optional(),
  sample_rate: z.coerce.number().optional(),
  channels: z.number().optional(),
});
const probeSchema = z.object({ streams: z.array(streamSchema), format: z.object({ duration: z.coerce.number().positive(), size: z.coerce.number() }) });

const DEFAULT_FONT = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf');
const NEEDED = { filters: ['drawtext', 'tpad', 'amix', 'alimiter', 'afade', 'signalstats'], encoders: ['libx264', 'aac', 'pcm_s16le', 'mjpeg'] } as const;
const PROBE_TIMEOUT_MS = 30_000;
const THUMBNAIL_SAMPLES = 8;

/** Everything that is done to pixels and sound. */
export class Media {
  private readonly runner: FfmpegRunner;
  private font: opentype.Font | undefined;

  constructor(private readonly options: MediaOptions) {
    this.runner = new FfmpegRunner(options);
  }

  /** ffmpeg processes alive. */
  running(): number {
    return this.runner.running();
  }

  /** Throws one sentence when ffmpeg is absent or lacks something that is needed. */
  async check(): Promise<void> {
    const command = this.command();
    const names = async (list: (callback: (error: Error | null, found: object) => void) => unknown): Promise<Set<string>> =>
      new Promise((resolve, reject) => {
        list((error, found) => {
          // fluent-ffmpeg hands null or undefined for "no error".
          if (error instanceof Error) reject(new Error('ffmpeg does not run; install it (apt-get install ffmpeg, brew install ffmpeg) or set FFMPEG_PATH', { cause: error }));
          else resolve(new Set(Object.keys(found)));
        });
      });
    const filters = await names((callback) => {
      command.availableFilters(callback);
    });
    const encoders = await names((callback) => {
      command.availableEncoders(callback);
    });
    const missing = [...NEEDED.filters.filter((name) => !filters.has(name)), ...NEEDED.encoders.filter((name) => !encoders.has(name))];
    if (missing.length > 0) throw new Error(`this ffmpeg lacks ${missing.join(', ')}; install a full build or set FFMPEG_PATH`);
  }

  /** What a file is. Throws MEDIA_INVALID when it is no readable media file. */
  async probe(file: string, context: RunContext): Promise<Probe> {
    context.signal.throwIfAborted();
    return withSpan('clipmesh.media', 'ffprobe', { 'process.executable.name': 'ffprobe' }, async () => {
      const raw = await new Promise<unknown>((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new ClipmeshError('FFMPEG_STALLED', 'ffprobe did not answer'));
        }, PROBE_TIMEOUT_MS);
        this.command(file).ffprobe((error: Error | null | undefined, data: unknown) => {
          clearTimeout(timer);
          if (error instanceof Error) reject(new ClipmeshError('MEDIA_INVALID', `not a readable media file: ${error.message.slice(-500)}`, { cause: error }));
          else resolve(data);
        });
      });
      const parsed = probeSchema.safeParse(raw);
      if (!parsed.success) throw new ClipmeshError('MEDIA_INVALID', `not a readable media file: ${z.prettifyError(parsed.error)}`);
      const { streams, format } = parsed.data;
      const video = streams.find(({ codec_type }) => codec_type === 'video');
      const audio = streams.find(({ codec_type }) => codec_type === 'audio');
      const [frames = 0, per = 1] = (video?.avg_frame_rate ?? '0/1').split('/').map(Number);
      return {
        durationSeconds: format.duration,
        bytes: format.size,
        ...(video === undefined
          ? {}
          : { video: { codec: video.codec_name ?? '', pixelFormat: video.pix_fmt ?? '', width: video.width ?? 0, height: video.height ?? 0, fps: per === 0 ? 0 : frames / per } }),
        ...(audio === undefined ? {} : { audio: { codec: audio.codec_name ?? '', sampleRate: audio.sample_rate ?? 0, channels: audio.channels ?? 0 } }),
      };
    });
  }

  /** Normalises a clip to the profile, draws its text, and encodes it once; the sound is kept as PCM of exactly the same length. */
  async overlay(
    input: { file: string; output: string; durationSeconds: number; profile: EncodeProfile; overlay?: OverlayText },
    context: RunContext,
  ): Promise<void> {
    const { file, output, durationSeconds, profile } = input;
    const { audio } = await this.probe(file, context);
    await this.inTemporary(async (directory) => {
      const text = input.overlay === undefined ? [] : await this.text(input.overlay, profile, directory);
      const { preset = 'veryfast', crf = 20, threads } = this.options;
      const picture = `[0:v]${pictureFilter(profile, durationSeconds, text)}[picture]`;
      const sound = `[${audio === undefined ? 1 : 0}:a]aresample=48000,aformat=channel_layouts=stereo,apad,atrim=end=${durationSeconds}[sound]`;
      await this.runner.run(
        {
          name: 'overlay',
          stage: 'overlay',
          inputs: [{ source: file }, ...(audio === undefined ? [{ source: 'anullsrc=r=48000:cl=stereo', options: ['-f', 'lavfi'] }] : [])],
          outputOptions: [
            ...['-filter_complex', `${picture};${sound}`, '-map', '[picture]', '-map', '[sound]', '-filter_complex_threads', String(threads)],
            ...encodeOptions(profile, { preset, crf, threads }),
            ...['-c:a', 'pcm_s16le', '-t', String(durationSeconds), '-map_metadata', '-1'],
          ],
          output,
          durationSeconds,
        },
        context,
      );
    });
  }

  /** Joins overlaid clips in the given order: pictures are copied, sound is mixed and encoded once. */
  async join(
    input: { clips: { file: string; durationSeconds: number }[]; output: string; music?: { file: string; volume: number }; clipVolume?: number },
    context: RunContext,
  ): Promise<void> {
    const { clips, output, music } = input;
    const seconds = clips.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
    await this.inTemporary(async (directory) => {
      const list = join(directory, 'clips.ffconcat');
      await writeFile(list, concatList(clips));
      await this.runner.run(
        {
          name: 'join',
          stage: 'stitch',
          inputs: [
            { source: list, options: ['-f', 'concat', '-safe', '0'] },
            ...(music === undefined ? [] : [{ source: music.file, options: ['-stream_loop', '-1'] }]),
          ],
          outputOptions: [
            ...['-filter_complex', soundFilter(seconds, input.clipVolume ?? (music === undefined ? 1 : 0.6), music?.volume)],
            ...['-map', '0:v', '-map', '[sound]', '-c:v', 'copy', '-c:a', 'aac', '-b:a', '192k', '-ar', '48000'],
            ...['-t', String(seconds), '-movflags', '+faststart', '-map_metadata', '-1'],
          ],
          output,
          durationSeconds: seconds,
        },
        context,
      );
    });
  }

  /** The brightest of eight frames spread over the film. */
  async thumbnail({ video, output }: { video: string; output: string }, context: RunContext): Promise<void> {
    const { durationSeconds } = await this.probe(video, context);
    const times = Array.from({ length: THUMBNAIL_SAMPLES }, (_, index) => ((index + 0.5) * durationSeconds) / THUMBNAIL_SAMPLES);
    let best = { time: times[0] ?? 0, luma: -1 };
    for (const time of times) {
      const words = await this.runner.run(
        {
          name: 'measure',
          stage: 'export',
          inputs: [{ source: video, options: ['-ss', time.toFixed(3)] }],
          outputOptions: ['-frames:v', '1', '-vf', 'scale=64:64,signalstats,metadata=mode=print:key=lavfi.signalstats.YAVG', '-f', 'null'],
          output: '-',
        },
        context,
      );
      const luma = Number(/YAVG=([\d.]+)/.exec(words)?.[1] ?? 0);
      if (luma > best.luma) best = { time, luma };
    }
    await this.runner.run(
      {
        name: 'thumbnail',
        stage: 'export',
        inputs: [{ source: video, options: ['-ss', best.time.toFixed(3)] }],
        outputOptions: ['-frames:v', '1', '-q:v', '3', '-update', '1'],
        output,
      },
      context,
    );
  }

  /** Draws a clip of its own look for a seed and a label: the same bytes for the same input. */
  async render(
    input: { output: string; seed: number; label: string; durationSeconds: number; width: number; height: number },
    context: RunContext,
  ): Promise<void> {
    const digest = createHash('sha256').update(`${input.seed}\n${input.label}`).digest();
    const colour = (at: number): string => `0x${[0, 1, 2].map((offset) => (64 + (digest[at + offset] ?? 0) * 0.74).toString(16).split('.')[0]?.padStart(2, '0') ?? '80').join('')}`;
    const { width, height, durationSeconds } = input;
    const box = Math.round(Math.min(width, height) / 4);
    const speed = 40 + (digest[9] ?? 0) / 2;
    const picture = [
      `drawbox=x='mod(t*${speed},${width - box})':y='${(digest[10] ?? 0) % Math.max(1, height - box)}':w=${box}:h=${box}:color=${colour(3)}:t=fill`,
      `drawbox=x=${(digest[11] ?? 0) % Math.max(1, width - box)}:y='mod(t*${speed / 2},${height - box})':w=${box}:h=${Math.round(box / 2)}:color=${colour(6)}:t=fill`,
    ];
    await this.runner.run(
      {
        name: 'render',
        stage: 'clip',
        inputs: [
          { source: `color=c=${colour(0)}:s=${width}x${height}:r=24:d=${durationSeconds}`, options: ['-f', 'lavfi'] },
          { source: `sine=frequency=${180 + (digest[12] ?? 0) * 2}:sample_rate=48000:duration=${durationSeconds}`, options: ['-f', 'lavfi'] },
        ],
        outputOptions: [
          ...['-vf', picture.join(','), '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '24', '-pix_fmt', 'yuv420p', '-threads', '1'],
          ...['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-t', String(durationSeconds), '-movflags', '+faststart'],
          ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact', '-map_metadata', '-1'],
        ],
        output: input.output,
        durationSeconds,
      },
      context,
    );
  }

  private command(source?: string): ffmpeg.FfmpegCommand {
    const command = source === undefined ? ffmpeg() : ffmpeg(source);
    if (this.options.ffmpegPath !== undefined) command.setFfmpegPath(this.options.ffmpegPath);
    if (this.options.ffprobePath !== undefined) command.setFfprobePath(this.options.ffprobePath);
    return command;
  }

  private async text(overlay: OverlayText, profile: EncodeProfile, directory: string): Promise<string[]> {
    const fontFile = this.options.fontFile ?? DEFAULT_FONT;
    const font = (this.font ??= await opentype.load(fontFile));
    const layout = layoutText(overlay.text, profile, overlay.fontSizePt, (text, sizePx) => font.getAdvanceWidth(text, sizePx));
    const files = layout.lines.map((_, line) => ({ path: join(directory, `line-${line}.txt`), line }));
    await Promise.all(files.map(({ path, line }) => writeFile(path, layout.lines[line] ?? '')));
    return textFilters(overlay, layout, files, fontFile, profile.height);
  }

  private async inTemporary<T>(use: (directory: string) => Promise<T>): Promise<T> {
    await mkdir(this.options.tempDir, { recursive: true });
    const directory = await mkdtemp(join(this.options.tempDir, 'media-'));
    try {
      return await use(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}

