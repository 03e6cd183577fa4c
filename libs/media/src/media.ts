import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ClipmeshError, transitionFrames } from '@clipmesh/contracts';
import { FfmpegRunner } from './ffmpeg/ffmpeg.runner.js';
import { UNTRUSTED_INPUT } from './commands/untrusted.input.js';
import { type EncodeOptions } from './commands/encode.args.js';
import { joinCall } from './commands/join.args.js';
import {
  type BlendInput,
  type ClipFacts,
  type ClipRules,
  type ConvertInput,
  type FfmpegCall,
  type JoinInput,
  type MediaOptions,
  type MixInput,
  type OverlayInput,
  type OverlayResult,
  type RenderInput,
  type RunContext,
  type SoundRules,
  type SpeechRules,
} from './commands/media.types.js';
import { overlayCall } from './commands/scene.args.js';
import { sceneLength, type SourcePicture } from './commands/scene.source.js';
import { parseProbe, type Probe } from './verify/probe.parse.js';
import { prepareAnimatic } from './animatic/animatic.js';
import { convertCall } from './commands/sound.args.js';
import { mixSound } from './sound/mix.js';
import { type ListFlag, missingFrom, missingMessage, REQUIRED } from './ffmpeg/requirements.js';
import { groundCall } from './commands/ground.args.js';
import { checkFonts, drawTextLayer, type ReadGround, type TextLayer } from './text/text.layer.js';
import { candidateOutput, frameCall } from './thumbnails/thumbnail.args.js';
import { takeBest } from './thumbnails/best.picture.js';
import { blendCall } from './transitions/blend.args.js';
import { segmentList, segmentsOf } from './transitions/segments.js';
import { makeScene } from './verify/scene.attempt.js';
import { verifyClip, verifyImage, verifySound, type VerifyTools } from './verify/verify.js';
import { pictureProblem } from './verify/verify.rules.js';
import { verifySpeech } from './verify/verify.speech.js';

const CHECK_TIMEOUT_MS = 20_000;

/** The only access to ffmpeg and ffprobe. Methods reject with `ClipmeshError`, and leave no process and no temporary file. */
export class Media {
  private readonly runner: FfmpegRunner;
  private readonly fontFiles: readonly string[];
  private readonly tools: VerifyTools = {
    probe: (file, context) => this.probe(file, context),
    query: (args, name, context) => this.runner.query('ffmpeg', args, name, context),
  };
  constructor(private readonly options: MediaOptions) {
    this.fontFiles = (options.fontFiles ?? []).map((file) => resolve(file));
    this.runner = new FfmpegRunner({
      ffmpegPath: options.ffmpegPath ?? 'ffmpeg',
      ffprobePath: options.ffprobePath ?? 'ffprobe',
      idleTimeoutMs: options.idleTimeoutMs,
      maxProcesses: options.maxProcesses,
      ...(options.memoryMb === undefined ? {} : { memoryMb: options.memoryMb }),
    });
  }

  /** Checks the installation at start-up. Throws an `Error` that names missing programs, encoders, formats, filters or fonts. */
  async check(): Promise<void> {
    const context = { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) };
    const query = async (tool: 'ffmpeg' | 'ffprobe', flag: string): Promise<string> => {
      try {
        return await this.runner.query(tool, ['-hide_banner', flag], 'check', context);
      } catch (cause) {
        throw new Error(`${tool} cannot be run; install ffmpeg 5.1 or newer, or set its path.`, { cause });
      }
    };
    await query('ffprobe', '-version');
    const missing: string[] = [];
    for (const flag of Object.keys(REQUIRED) as ListFlag[])
      missing.push(...missingFrom(await query('ffmpeg', flag), REQUIRED[flag]));
    if (missing.length > 0) throw new Error(missingMessage(missing));
    checkFonts(this.fontFiles);
  }

  /** Describes a media file. Throws `MEDIA_INVALID` when it cannot be read. */
  async probe(file: string, context: RunContext): Promise<Probe> {
    const shown = ['-v', 'error', '-show_format', '-show_streams', '-of', 'json'];
    const args = [...shown, ...UNTRUSTED_INPUT, '-i', resolve(file)];
    return parseProbe(await this.runner.query('ffprobe', args, 'probe', context));
  }

  /** Checks that a file is a usable clip. Throws `MEDIA_INVALID` with the reason and without paths. */
  verifyClip(file: string, rules: ClipRules, context: RunContext): Promise<ClipFacts> {
    return verifyClip(this.tools, resolve(file), rules, context);
  }

  /** Checks that a file has audio that can be mixed. Throws `MEDIA_INVALID` with the reason and without paths. */
  verifySound(file: string, rules: SoundRules, context: RunContext): Promise<{ readonly durationSeconds: number }> {
    return verifySound(this.tools, resolve(file), rules, context);
  }

  /** Decodes a speech: it must be complete, audible and as long as its text can be. Throws `MEDIA_INVALID` without paths. */
  verifySpeech(file: string, rules: SpeechRules, context: RunContext): Promise<{ readonly durationSeconds: number }> {
    return verifySpeech(this.tools, resolve(file), rules, context);
  }

  /** Checks that a JPEG or PNG can be decoded. Throws `MEDIA_INVALID` with the reason and without paths. */
  verifyImage(file: string, contentType: string, context: RunContext): Promise<void> {
    return verifyImage(this.tools, resolve(file), contentType, context);
  }

  /** Converts a clip to the profile and the exact duration, draws the text and encodes once. The audio is PCM. */
  async overlay(input: OverlayInput, context: RunContext): Promise<OverlayResult> {
    const source = await this.probe(input.file, context);
    const { video, audio } = source;
    const problem = pictureProblem(source);
    if (video === undefined || problem !== undefined)
      throw new ClipmeshError('MEDIA_INVALID', problem ?? 'it has no video stream');
    return this.withTempDir(async (dir) => {
      const text = await this.textLayer(input, video, dir, context);
      const paths = { ...input, file: resolve(input.file), output: resolve(input.output) };
      const { thumbnail, durationSeconds, profile } = input;
      const candidates = thumbnail === undefined ? undefined : candidateOutput(dir, durationSeconds, profile);
      const warnings = await makeScene({ video, audio }, async (streams, onLog) => {
        const call = overlayCall(paths, streams, text, this.encode, candidates);
        await this.runner.run(call, { name: 'overlay', stage: 'overlay', durationSeconds, onLog }, context);
      });
      if (thumbnail === undefined) return { warnings };
      return { warnings, thumbnail: await takeBest(dir, profile, resolve(thumbnail)) };
    });
  }

  /**
   * Mixes the sound of a video into one file, AAC, exactly as long as the scenes: -14 LUFS, true peak at most -1 dBTP. A mix
   * that is quieter than -34 LUFS is amplified by 20 dB only; silence stays silent.
   */
  async mix(input: MixInput, context: RunContext): Promise<void> {
    if (input.scenes.length === 0) throw new ClipmeshError('MEDIA_INVALID', 'there are no scenes to mix');
    const { threads } = this.options;
    await this.withTempDir(async (dir) => {
      const run = async (call: FfmpegCall): Promise<void> => {
        await this.runner.run(call, { name: 'mix', stage: 'audio' }, { signal: context.signal });
      };
      await mixSound(resolvedMix(input), { dir, threads, run });
    });
  }

  /** Joins overlaid clips in the given order and adds their sound. Copies both. */
  async join(input: JoinInput, context: RunContext): Promise<void> {
    if (input.clips.length === 0) throw new ClipmeshError('MEDIA_INVALID', 'there are no clips to join');
    const segments = segmentsOf(input.clips, input.profile).map((one) => ({ ...one, file: resolve(one.file) }));
    const frames = segments.reduce((sum, segment) => sum + segment.frames, 0);
    const durationSeconds = frames / input.profile.fps;
    await this.withTempDir(async (dir) => {
      const list = join(dir, 'segments.txt');
      await writeFile(list, segmentList(segments, input.profile));
      const output = resolve(input.output);
      const call = joinCall({ audio: resolve(input.audio), output }, list);
      const copied = await this.runner.run(call, { name: 'join', stage: 'stitch', durationSeconds }, context);
      if (copied === frames) return;
      await rm(output, { force: true });
      throw new ClipmeshError('FFMPEG_FAILED', `the join copied ${copied} frames; the scenes have ${frames}`);
    });
  }

  /** Encodes the pictures of a transition between two overlaid scenes. `stage`: what the work counts for. */
  async blend(input: BlendInput, stage: 'overlay' | 'stitch', context: RunContext): Promise<void> {
    const { from, to, output, profile } = input;
    const files = {
      from: { ...from, file: resolve(from.file) },
      to: { file: resolve(to.file) },
      output: resolve(output),
    };
    const call = blendCall({ ...input, ...files }, this.encode);
    const frames = await this.runner.run(call, { name: 'transition', stage }, { signal: context.signal });
    if (frames === transitionFrames(profile)) return;
    await rm(files.output, { force: true });
    throw new ClipmeshError('FFMPEG_FAILED', `the transition has ${frames} frames; a scene is too short for it`);
  }

  /** Writes the frame of a scene at `second` as a JPEG. */
  async still(input: { file: string; second: number; output: string }, context: RunContext): Promise<void> {
    const call = frameCall(resolve(input.file), input.second, resolve(input.output));
    await this.runner.run(call, { name: 'thumbnail', stage: 'export' }, context);
  }

  /** Draws an animatic: a moving scene card of the label, which is the prompt of a clip. The same input gives the same bytes. */
  async render(input: RenderInput, context: RunContext): Promise<void> {
    await this.withTempDir(async (dir) => {
      const image = input.image === undefined ? {} : { image: resolve(input.image) };
      const call = await prepareAnimatic({ ...input, ...image, output: resolve(input.output) }, dir);
      await this.runner.run(call, { name: 'render', durationSeconds: input.durationSeconds }, context);
    });
  }

  /** Converts sound to mono of 24 kHz. The same input gives the same bytes. */
  async convertSound(input: ConvertInput, context: RunContext): Promise<void> {
    const call = convertCall({ ...input, file: resolve(input.file), output: resolve(input.output) });
    await this.runner.run(call, { name: 'convert' }, context);
  }

  private get encode(): EncodeOptions {
    const { threads, preset = 'veryfast', crf = 20 } = this.options;
    return { threads, preset, crf };
  }

  /** Number of running processes. */
  running(): number {
    return this.runner.running();
  }

  private async textLayer(
    input: OverlayInput,
    video: SourcePicture,
    dir: string,
    context: RunContext,
  ): Promise<TextLayer | undefined> {
    const { overlay, profile, durationSeconds } = input;
    if (overlay === undefined) return undefined;
    const { frames } = sceneLength(durationSeconds, profile);
    const readGround: ReadGround = async (area) => {
      const file = join(dir, 'ground.rgb');
      const call = groundCall({ ...input, file: resolve(input.file) }, video, area, file);
      await this.runner.run(call, { name: 'ground', stage: 'overlay' }, { signal: context.signal });
      const [bytes, size] = [await readFile(file), area.width * area.height * 3];
      await rm(file);
      return Array.from({ length: Math.floor(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
    };
    return drawTextLayer({ overlay, profile, frames, fontFiles: this.fontFiles }, readGround, join(dir, 'text.rgba'));
  }

  private async withTempDir<T>(work: (dir: string) => Promise<T>): Promise<T> {
    await mkdir(this.options.tempDir, { recursive: true });
    const dir = await mkdtemp(join(resolve(this.options.tempDir), 'clipmesh-media-'));
    try {
      return await work(dir);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}

/** The input with absolute paths. */
function resolvedMix(input: MixInput): MixInput {
  const absolute = <T extends { readonly file: string }>(part: T): T => ({ ...part, file: resolve(part.file) });
  return {
    ...input,
    scenes: input.scenes.map(absolute),
    output: resolve(input.output),
    ...(input.music === undefined ? {} : { music: absolute(input.music) }),
    ...(input.speech === undefined ? {} : { speech: input.speech.map(absolute) }),
  };
}
