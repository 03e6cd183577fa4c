import { ClipmeshError, spokenSeconds } from '@clipmesh/contracts';
import { type SpeechRequest } from '@clipmesh/providers';
import { isFileFailure } from '../clip/clip.collect.js';
import { type SpeechDeps } from './speech.deps.js';

/** Failures that the file itself can cause. */
const UNUSABLE = new Set<string>(['MEDIA_INVALID', 'ARTIFACT_MISSING']);

/**
 * Measures a speech. Throws `PROVIDER_BAD_ANSWER` for a file that is not the speech of this text. Other errors are not about the file.
 */
export async function verifiedSeconds(
  { media }: Pick<SpeechDeps, 'media'>,
  { text, speed = 1 }: SpeechRequest,
  file: string,
  signal: AbortSignal,
): Promise<number> {
  // A server may ignore the speed.
  const rules = {
    minSeconds: spokenSeconds(text, Math.max(1, speed)).least,
    maxSeconds: spokenSeconds(text, Math.min(1, speed)).most,
  };
  try {
    return (await media.verifySpeech(file, rules, { signal })).durationSeconds;
  } catch (error) {
    throw unusable(error) ?? error;
  }
}

/** The error for a file that is not usable; undefined when the error is not about the file. */
export function unusable(error: unknown): ClipmeshError | undefined {
  if (!isFileFailure(error) && !(error instanceof ClipmeshError && UNUSABLE.has(error.code))) return undefined;
  return new ClipmeshError('PROVIDER_BAD_ANSWER', `the speech is not usable: ${error.message}`, { cause: error });
}
