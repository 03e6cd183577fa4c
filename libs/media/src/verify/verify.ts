import { ClipmeshError } from '@clipmesh/contracts';
import { isTruncated } from './container.check.js';
import { MAX_PIXELS, UNTRUSTED_INPUT } from '../commands/untrusted.input.js';
import { type ClipFacts, type ClipRules, type RunContext, type SoundRules } from '../commands/media.types.js';
import { type Probe } from './probe.parse.js';
import { readProgress } from '../ffmpeg/progress.parse.js';
import { clipProblem, contentTypeOf, soundProblem } from './verify.rules.js';

/** The ffmpeg functions that the checks use. */
export interface VerifyTools {
  probe(file: string, context: RunContext): Promise<Probe>;
  /** Runs ffmpeg on one file. Resolves with its standard output. */
  query(args: readonly string[], name: string, context: RunContext): Promise<string>;
}

/** Options of a query that prints only errors. */
export const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'level+error', '-nostats', '-threads', '1'] as const;
/** Duration of the audio that is decoded as a check, seconds. */
const DECODE_SECONDS = 1;
/** Pixels of a reference image. A camera's picture of 50 million needs 200 MB. */
const MAX_IMAGE_PIXELS = 50_000_000;
/** ffmpeg's input format by content type. */
const IMAGE_FORMATS: Readonly<Record<string, string>> = { 'image/jpeg': 'jpeg_pipe', 'image/png': 'png_pipe' };

/**
 * Checks that a file is a usable clip: complete, with a video stream of plausible size and duration, of which a frame can be decoded.
 * Throws `MEDIA_INVALID` with the reason and without paths.
 */
export async function verifyClip(
  tools: VerifyTools,
  file: string,
  rules: ClipRules,
  context: RunContext,
): Promise<ClipFacts> {
  if (await isTruncated(file, context.signal)) throw invalid('the file is truncated');
  const probe = await probed(tools, file, context);
  const durationSeconds = probe.durationSeconds || (await measureDuration(tools, file, probe.video?.index, context));
  const problem = clipProblem({ ...probe, durationSeconds }, rules);
  if (problem !== undefined || probe.video === undefined) throw invalid(problem ?? 'it has no video stream');
  const frames = await countFrames(
    tools,
    [...UNTRUSTED_INPUT, '-i', file, '-map', `0:${probe.video.index}`, '-frames:v', '1'],
    context,
  );
  if (frames === 0) throw invalid('no frame of it can be decoded');
  const { width, height } = probe.video;
  return { contentType: contentTypeOf(probe), durationSeconds, width, height };
}

/** Checks that a file has audio that can be mixed. Throws `MEDIA_INVALID` with the reason and without paths. */
export async function verifySound(
  tools: VerifyTools,
  file: string,
  rules: SoundRules,
  context: RunContext,
): Promise<{ readonly durationSeconds: number }> {
  const probe = await probed(tools, file, context);
  const durationSeconds =
    probe.audio === undefined
      ? 0
      : probe.durationSeconds || (await measureDuration(tools, file, probe.audio.index, context));
  const problem = soundProblem({ ...probe, durationSeconds }, rules);
  if (problem !== undefined || probe.audio === undefined) throw invalid(problem ?? 'it has no audio stream');
  // The mix takes the first audio stream.
  const sound = [...UNTRUSTED_INPUT, '-i', file, '-map', '0:a:0', '-t', String(DECODE_SECONDS)];
  if ((await countFrames(tools, sound, context)) === 0) throw invalid('its audio cannot be decoded');
  return { durationSeconds };
}

/** Checks that a JPEG or PNG can be decoded completely. Throws `MEDIA_INVALID` with the reason and without paths. */
export async function verifyImage(
  tools: VerifyTools,
  file: string,
  contentType: string,
  context: RunContext,
): Promise<void> {
  const format = IMAGE_FORMATS[contentType];
  if (format === undefined) throw invalid('it is neither a JPEG nor a PNG');
  const picture = [
    '-max_pixels',
    String(MAX_IMAGE_PIXELS),
    '-err_detect',
    'explode',
    '-f',
    format,
    '-i',
    file,
    '-frames:v',
    '1',
  ];
  if ((await countFrames(tools, picture, context)) === 0) throw invalid('the image cannot be decoded');
}

/** Probes a file. Throws `MEDIA_INVALID` without paths. */
export async function probed(tools: VerifyTools, file: string, context: RunContext): Promise<Probe> {
  try {
    return await tools.probe(file, context);
  } catch (error) {
    const isTooLarge = error instanceof Error && error.message.includes('max pixel count');
    throw unreadable(
      error,
      isTooLarge ? `its pictures have more than ${MAX_PIXELS} pixels` : 'it is not a media file that ffmpeg can read',
    );
  }
}

/** The number of video or audio frames that ffmpeg decodes. */
async function countFrames(tools: VerifyTools, source: readonly string[], context: RunContext): Promise<number> {
  try {
    const frames = await tools.query([...QUIET, ...source, '-f', 'framecrc', '-'], 'verify', context);
    return frames.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  } catch (error) {
    throw unreadable(error, 'ffmpeg cannot decode it');
  }
}

/** The duration of a stream whose container has none, seconds. Reads its packets without decoding them. */
async function measureDuration(
  tools: VerifyTools,
  file: string,
  index: number | undefined,
  context: RunContext,
): Promise<number> {
  if (index === undefined) return 0;
  const source = [...UNTRUSTED_INPUT, '-i', file, '-map', `0:${index}`, '-c', 'copy', '-f', 'null', '-'];
  try {
    const output = await tools.query([...QUIET, '-progress', 'pipe:1', ...source], 'measure', context);
    return readProgress('', output).reports.at(-1)?.seconds ?? 0;
  } catch (error) {
    throw unreadable(error, 'ffmpeg cannot read it to its end');
  }
}

/** `MEDIA_INVALID` */
export const invalid = (text: string, cause?: unknown): ClipmeshError =>
  new ClipmeshError('MEDIA_INVALID', text, cause === undefined ? {} : { cause });

/** Replaces messages about the file, because ffmpeg's name its path. Other errors are not about the file and stay as they are. */
export const unreadable = (error: unknown, text: string): unknown =>
  error instanceof ClipmeshError && error.code === 'MEDIA_INVALID' ? invalid(text, error) : error;
