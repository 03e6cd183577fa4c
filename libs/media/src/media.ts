import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ClipmeshError } from '@clipmesh/contracts';
import { FfmpegRunner } from './ffmpeg.runner.js';
import { defaultFontFile, type Font, loadFont } from './font.door.js';
import { FOREIGN_INPUT } from './foreign-input.js';
import { concatList, joinCall } from './join-args.js';
import {
  type ClipFacts,
  type ClipRules,
  type JoinInput,
  type MediaOptions,
  type OverlayDone,
  type OverlayInput,
  type RenderInput,
  type RunContext,
  type SoundRules,
} from './media.types.js';
import { drawTextFilters, fontPixels, overlayCall, textBox } from './overlay-filter.js';
import { parseProbe, type Probe } from './probe.parse.js';
import { renderCall } from './render-args.js';
import { type ListFlag, missingFrom, missingSentence, REQUIRED } from './requirements.js';
import { fontFor, layOut, lostOf } from './text-layout.js';
import { brightestSecond, frameCall, measureCall } from './thumbnail-args.js';
import { verifyClip, verifyPicture, verifySound, type VerifyTools } from './verify.js';

const CHECK_TIMEOUT_MS = 20_000;

/** The only door to ffmpeg and ffprobe. Every method rejects with a `ClipmeshError` and leaves no process and no temporary file. */
export class Media {
  private readonly runner: FfmpegRunner;
  private readonly fontFiles: readonly string[];
  private fonts: Promise<Font[]> | undefined;
  private readonly tools: VerifyTools = {
    probe: (file, context) => this.probe(file, context),
    ask: (args, name, context) => this.runner.query('ffmpeg', args, name, context),
  };
  constructor(private readonly options: MediaOptions) {
    this.fontFiles = [...(options.fontFiles ?? []), defaultFontFile()].map((file) => resolve(file));
    this.runner = new FfmpegRunner({
      ffmpegPath: options.ffmpegPath ?? 'ffmpeg',
      ffprobePath: options.ffprobePath ?? 'ffprobe',
      idleTimeoutMs: options.idleTimeoutMs,
      maxProcesses: options.maxProcesses,
    });
  }

  /** For start-up: throws one clear sentence when a program, an encoder, a format, a filter or the font is missing. */
  async check(): Promise<void> {
    const context = { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) };
    const ask = async (tool: 'ffmpeg' | 'ffprobe', flag: string): Promise<string> => {
      try {
        return await this.runner.query(tool, ['-hide_banner', flag], 'check', context);
      } catch (cause) {
        throw new Error(`${tool} cannot be run; install ffmpeg 5.1 or newer, or set its path.`, { cause });
      }
    };
    await ask('ffprobe', '-version');
    const missing: string[] = [];
    for (const flag of Object.keys(REQUIRED) as ListFlag[])
      missing.push(...missingFrom(await ask('ffmpeg', flag), REQUIRED[flag]));
    if (missing.length > 0) throw new Error(missingSentence(missing));
    await this.loaded();
  }

  /** What a file holds; `MEDIA_INVALID` when it cannot be read. */
  async probe(file: string, context: RunContext): Promise<Probe> {
    const shown = ['-v', 'error', '-show_format', '-show_streams', '-of', 'json'];
    const args = [...shown, ...FOREIGN_INPUT, '-i', resolve(file)];
    return parseProbe(await this.runner.query('ffprobe', args, 'probe', context));
  }

  /** Proves that a file is a clip that can be used. Throws `MEDIA_INVALID`, whose message says why not and names no path. */
  verifyClip(file: string, rules: ClipRules, context: RunContext): Promise<ClipFacts> {
    return verifyClip(this.tools, resolve(file), rules, context);
  }

  /** Proves that a file has sound that can be mixed. Throws `MEDIA_INVALID`, whose message says why not and names no path. */
  verifySound(file: string, rules: SoundRules, context: RunContext): Promise<{ readonly durationSeconds: number }> {
    return verifySound(this.tools, resolve(file), rules, context);
  }

  /** Proves that a JPEG or PNG can be decoded. Throws `MEDIA_INVALID`, whose message says why not and names no path. */
  verifyPicture(file: string, contentType: string, context: RunContext): Promise<void> {
    return verifyPicture(this.tools, resolve(file), contentType, context);
  }

  /** Normalises a clip to the profile and the exact duration, draws the text, encodes once. Sound is PCM. */
  async overlay(input: OverlayInput, context: RunContext): Promise<OverlayDone> {
    const source = await this.probe(input.file, context);
    if (source.video === undefined) throw new ClipmeshError('MEDIA_INVALID', 'the clip has no picture');
    return this.inTemp(async (dir) => {
      const { filters, lost } =
        input.overlay === undefined ? { filters: [], lost: [] } : await this.texts(input.overlay, input, dir);
      const { threads, preset = 'veryfast', crf = 20 } = this.options;
      const paths = { ...input, file: resolve(input.file), output: resolve(input.output) };
      const call = overlayCall(paths, { hasAudio: source.audio !== undefined }, filters, { threads, preset, crf });
      await this.runner.run(
        call,
        { name: 'overlay', stage: 'overlay', durationSeconds: input.durationSeconds },
        context,
      );
      return { lost };
    });
  }

  /** Joins overlaid clips in the given order: pictures copied, sound mixed and encoded once. */
  async join(input: JoinInput, context: RunContext): Promise<void> {
    if (input.clips.length === 0) throw new ClipmeshError('MEDIA_INVALID', 'there are no clips to join');
    const clips = input.clips.map((clip) => ({ ...clip, file: resolve(clip.file) }));
    const durationSeconds = clips.reduce((sum, clip) => sum + clip.durationSeconds, 0);
    await this.inTemp(async (dir) => {
      const list = join(dir, 'clips.txt');
      await writeFile(list, concatList(clips));
      const call = joinCall({ ...input, clips, output: resolve(input.output) }, list, this.options.threads);
      await this.runner.run(call, { name: 'join', stage: 'stitch', durationSeconds }, context);
    });
  }

  /** Writes the brightest of a few frames spread over the video. */
  async thumbnail(input: { video: string; output: string }, context: RunContext): Promise<void> {
    const video = resolve(input.video);
    const { durationSeconds } = await this.probe(video, context);
    const meta = { name: 'thumbnail', stage: 'export', durationSeconds } as const;
    await this.inTemp(async (dir) => {
      const stats = join(dir, 'luma.txt');
      await this.runner.run(measureCall(video, durationSeconds, stats, this.options.threads), meta, context);
      const second = brightestSecond(await readFile(stats, 'utf8')) ?? durationSeconds / 2;
      await this.runner.run(frameCall(video, second, resolve(input.output)), meta, { signal: context.signal });
    });
  }

  /** Draws a test clip: the same bytes for the same input. */
  async render(input: RenderInput, context: RunContext): Promise<void> {
    const call = renderCall({ ...input, output: resolve(input.output) });
    await this.runner.run(call, { name: 'render', durationSeconds: input.durationSeconds }, context);
  }

  /** Processes alive now. */
  running(): number {
    return this.runner.running();
  }

  private loaded(): Promise<Font[]> {
    return (this.fonts ??= Promise.all(
      this.fontFiles.map((file) =>
        loadFont(file).catch((cause: unknown) => {
          throw new Error(`The font ${file} cannot be read; set OVERLAY_FONT_FILE to TrueType fonts.`, { cause });
        }),
      ),
    ));
  }

  private async texts(
    overlay: NonNullable<OverlayInput['overlay']>,
    input: OverlayInput,
    dir: string,
  ): Promise<OverlayDone & { readonly filters: string[] }> {
    const { profile } = input;
    const size = fontPixels(overlay.fontSizePt, profile);
    const font = fontFor(overlay.text, await this.loaded());
    const layout = layOut(overlay.text, size, textBox(profile), font);
    const files = layout.lines.map((_line, index) => join(dir, `line-${index}.txt`));
    await Promise.all(layout.lines.map((line, index) => writeFile(files[index] ?? '', line)));
    const filters = drawTextFilters(overlay, layout, files, font.file, profile);
    return { filters, lost: lostOf(overlay.text, font) };
  }

  private async inTemp<T>(work: (dir: string) => Promise<T>): Promise<T> {
    await mkdir(this.options.tempDir, { recursive: true });
    const dir = await mkdtemp(join(resolve(this.options.tempDir), 'clipmesh-media-'));
    try {
      return await work(dir);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}
