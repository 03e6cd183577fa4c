import { ClipmeshError } from '@clipmesh/contracts';
import { isCutShort } from './container.whole.js';
import { FOREIGN_INPUT } from './foreign-input.js';
import { type ClipFacts, type ClipRules, type RunContext, type SoundRules } from './media.types.js';
import { type Probe } from './probe.parse.js';
import { readProgress } from './progress.parse.js';
import { clipFault, contentTypeOf, soundFault } from './verify.rules.js';

/** What the checks need of ffmpeg. */
export interface VerifyTools {
  probe(file: string, context: RunContext): Promise<Probe>;
  /** Runs ffmpeg over one file and gives its standard output. */
  ask(args: readonly string[], name: string, context: RunContext): Promise<string>;
}

const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'level+error', '-nostats', '-threads', '1'] as const;
/** Sound that is decoded to see that it can be, seconds. */
const DECODED_SECONDS = 1;
/** How ffmpeg reads a picture of this content type. */
const PICTURE_FORMATS: Readonly<Record<string, string>> = { 'image/jpeg': 'jpeg_pipe', 'image/png': 'png_pipe' };

/**
 * Proves that a file is a clip that can be used: whole, with a video stream of plausible size and length of which a frame can be
 * decoded. Throws `MEDIA_INVALID`, whose message says what is wrong and names no path.
 */
export async function verifyClip(
  tools: VerifyTools,
  file: string,
  rules: ClipRules,
  context: RunContext,
): Promise<ClipFacts> {
  if (await isCutShort(file, context.signal)) throw invalid('the file is cut short');
  const probe = await described(tools, file, context);
  const durationSeconds = probe.durationSeconds || (await measured(tools, file, '0:V:0', context));
  const fault = clipFault({ ...probe, durationSeconds }, rules);
  if (fault !== undefined || probe.video === undefined) throw invalid(fault ?? 'there is no picture in it');
  const frames = await decoded(tools, [...FOREIGN_INPUT, '-i', file, '-map', '0:V:0', '-frames:v', '1'], context);
  if (frames === 0) throw invalid('no frame of it can be decoded');
  const { width, height } = probe.video;
  return { contentType: contentTypeOf(probe), durationSeconds, width, height };
}

/** Proves that a file has sound that can be mixed. Throws `MEDIA_INVALID`, whose message says what is wrong and names no path. */
export async function verifySound(
  tools: VerifyTools,
  file: string,
  rules: SoundRules,
  context: RunContext,
): Promise<{ readonly durationSeconds: number }> {
  const probe = await described(tools, file, context);
  const durationSeconds =
    probe.audio === undefined ? 0 : probe.durationSeconds || (await measured(tools, file, '0:a:0', context));
  const fault = soundFault({ ...probe, durationSeconds }, rules);
  if (fault !== undefined) throw invalid(fault);
  const sound = [...FOREIGN_INPUT, '-i', file, '-map', '0:a:0', '-t', String(DECODED_SECONDS)];
  if ((await decoded(tools, sound, context)) === 0) throw invalid('its sound cannot be decoded');
  return { durationSeconds };
}

/** Proves that every pixel of a JPEG or PNG can be decoded. Throws `MEDIA_INVALID`. */
export async function verifyPicture(
  tools: VerifyTools,
  file: string,
  contentType: string,
  context: RunContext,
): Promise<void> {
  const format = PICTURE_FORMATS[contentType];
  if (format === undefined) throw invalid('it is neither a JPEG nor a PNG');
  const picture = ['-err_detect', 'explode', '-f', format, '-i', file, '-frames:v', '1'];
  if ((await decoded(tools, picture, context)) === 0) throw invalid('the picture cannot be decoded');
}

async function described(tools: VerifyTools, file: string, context: RunContext): Promise<Probe> {
  try {
    return await tools.probe(file, context);
  } catch (error) {
    throw unreadable(error, 'it is no media file that ffmpeg can read');
  }
}

/** Frames of pictures or sound that came of it. */
async function decoded(tools: VerifyTools, source: readonly string[], context: RunContext): Promise<number> {
  try {
    const frames = await tools.ask([...QUIET, ...source, '-f', 'framecrc', '-'], 'verify', context);
    return frames.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  } catch (error) {
    throw unreadable(error, 'ffmpeg cannot decode it');
  }
}

/** The length of a stream whose container does not tell, seconds: its packets are read and not decoded. */
async function measured(tools: VerifyTools, file: string, stream: string, context: RunContext): Promise<number> {
  const source = [...FOREIGN_INPUT, '-i', file, '-map', stream, '-c', 'copy', '-f', 'null', '-'];
  try {
    const told = await tools.ask([...QUIET, '-progress', 'pipe:1', ...source], 'measure', context);
    return readProgress('', told).reports.at(-1)?.seconds ?? 0;
  } catch (error) {
    throw unreadable(error, 'ffmpeg cannot read it to its end');
  }
}

const invalid = (text: string, cause?: unknown): ClipmeshError =>
  new ClipmeshError('MEDIA_INVALID', text, cause === undefined ? {} : { cause });

/** What ffmpeg says of a file names its path; other failures say nothing against the file. */
const unreadable = (error: unknown, text: string): unknown =>
  error instanceof ClipmeshError && error.code === 'MEDIA_INVALID' ? invalid(text, error) : error;
