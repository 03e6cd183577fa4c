import { open } from 'node:fs/promises';
import { type RunContext, type SpeechRules } from '../commands/media.types.js';
import { UNTRUSTED_INPUT } from '../commands/untrusted.input.js';
import { isTruncatedWav, readerOf } from '../speech/wav.format.js';
import { invalid, probed, QUIET, unreadable, type VerifyTools } from './verify.js';
import { speechProblem } from './verify.rules.js';

const SAMPLE_RATE = 48_000;
const PEAK = 'lavfi.astats.Overall.Peak_level';
const SAMPLES = 'lavfi.astats.Overall.Number_of_samples';
/** Prints the highest peak and the number of samples up to each frame. */
const MEASURE = [
  `aresample=${SAMPLE_RATE}`,
  'astats=metadata=1:reset=0:measure_perchannel=none:measure_overall=Peak_level+Number_of_samples',
  'ametadata=mode=print:file=-',
].join(',');

/**
 * Decodes a speech to its end and measures it: the duration in its container may be a guess of a streaming server. Throws
 * `MEDIA_INVALID` with the reason and without paths for a file that is truncated, silent, or too short or long for its text.
 */
export async function verifySpeech(
  tools: VerifyTools,
  file: string,
  rules: SpeechRules,
  context: RunContext,
): Promise<{ readonly durationSeconds: number }> {
  if (await isTruncated(file)) throw invalid('the file is truncated');
  const { audio } = await probed(tools, file, context);
  if (audio === undefined) throw invalid('it has no audio stream');
  // One second more than allowed shows that it is too long; the rest need not be decoded.
  const source = [...UNTRUSTED_INPUT, '-i', file, '-map', '0:a:0', '-t', String(rules.maxSeconds + 1), '-af', MEASURE];
  const measured = await tools
    .query([...QUIET, ...source, '-f', 'null', '-'], 'verify', context)
    .catch((error: unknown) => {
      throw unreadable(error, 'ffmpeg cannot decode it');
    });
  const durationSeconds = (lastOf(measured, SAMPLES) ?? 0) / SAMPLE_RATE;
  const problem = speechProblem({ durationSeconds, peakDb: lastOf(measured, PEAK) ?? -Infinity }, rules);
  if (problem !== undefined) throw invalid(problem);
  return { durationSeconds };
}

/** The last value of a key that ffmpeg printed. Undefined: none, or no number. */
function lastOf(printed: string, key: string): number | undefined {
  const at = printed.lastIndexOf(`${key}=`);
  const value = at < 0 ? NaN : Number.parseFloat(printed.slice(at + key.length + 1, at + key.length + 40));
  return Number.isNaN(value) ? undefined : value;
}

async function isTruncated(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    return await isTruncatedWav((await handle.stat()).size, readerOf(handle));
  } finally {
    await handle.close();
  }
}
