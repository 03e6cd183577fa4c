import { join } from 'node:path';
import { type Artifact, ClipmeshError, type FailureCode } from '@clipmesh/contracts';
import { ProcessError } from '@clipmesh/media';
import { type PredictionState } from '@clipmesh/providers';
import { type ClipDeps } from './clip.parts.js';

/** A finished prediction gave nothing that can be used. Asked again, it may: a proxy or a store can answer wrongly once. */
const BAD_OUTPUT: ReadonlySet<FailureCode> = new Set(['MEDIA_INVALID', 'DOWNLOAD_EXPIRED', 'PROVIDER_BAD_ANSWER']);

export const isBadOutput = (error: unknown): error is ClipmeshError =>
  error instanceof ClipmeshError && BAD_OUTPUT.has(error.code);

/** The file came whole, and ffmpeg failed over it in a way that the file may be the reason for: it crashed, stood still or ran out of memory. */
const isFileFailure = (error: unknown): error is ProcessError => error instanceof ProcessError && !error.isOfMachine;

/**
 * Downloads a finished prediction's clip, proves that it can be used, and stores it. What cannot be used, or cannot be verified,
 * is downloaded again from the same prediction, as often as the settings say. After that it throws an error of
 * {@link isBadOutput} that is not retryable: the same prediction gives nothing better, another model may.
 */
export async function collectClip(
  deps: ClipDeps,
  state: PredictionState,
  durationSeconds: number,
  signal: AbortSignal,
): Promise<Artifact> {
  const { tries: maxTries, firstDelayMs, maxDelayMs } = deps.downloads;
  let current = state;
  for (let tries = 1; ; tries += 1) {
    try {
      return await collectOnce(deps, current, durationSeconds, signal);
    } catch (error) {
      if (!isBadOutput(error) && !isFileFailure(error)) throw error;
      if (tries >= maxTries) throw unusable(error, state, tries);
      const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (tries - 1));
      deps.logger.warn(
        { err: error, predictionId: state.id, tries, delayMs },
        'the output of a prediction is no clip that can be used; downloading it again',
      );
      await deps.clock.sleep(delayMs, signal);
      current = await readAgain(deps, current, signal);
    }
  }
}

async function collectOnce(
  { provider, artifacts, scratch, media, clipRules }: ClipDeps,
  { outputUrl }: PredictionState,
  durationSeconds: number,
  signal: AbortSignal,
): Promise<Artifact> {
  if (outputUrl === undefined) throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'there is no video in its output');
  return scratch.withFolder(async (directory) => {
    const file = join(directory, 'clip');
    await provider.download(outputUrl, file, signal);
    const { contentType } = await media.verifyClip(file, { ...clipRules, durationSeconds }, { signal });
    return artifacts.put(file, { contentType });
  });
}

/** The prediction as the provider shows it now: addresses of files are renewed. What is known stays where it shows nothing better. */
async function readAgain(
  { provider, logger }: ClipDeps,
  known: PredictionState,
  signal: AbortSignal,
): Promise<PredictionState> {
  try {
    const state = await provider.get(known.id, signal);
    return state.status === 'succeeded' ? state : known;
  } catch (error) {
    signal.throwIfAborted();
    logger.warn({ err: error, predictionId: known.id }, 'a prediction could not be read again');
    return known;
  }
}

function unusable(error: ClipmeshError, { id }: PredictionState, tries: number): ClipmeshError {
  const times = tries === 1 ? 'once' : `${tries} times`;
  return new ClipmeshError(
    isFileFailure(error) ? 'MEDIA_INVALID' : error.code,
    `prediction ${id} gave no clip that can be used, downloaded ${times}: ${error.message}`,
    { cause: error, retryable: false },
  );
}

/** Whether a stored clip is there, is what was stored, and can be used. */
export async function isUsable(
  { artifacts, media, clipRules, isIntact }: ClipDeps,
  artifact: Artifact,
  durationSeconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(await isIntact(artifact))) return false;
  try {
    await artifacts.withFile(artifact, (file) => media.verifyClip(file, { ...clipRules, durationSeconds }, { signal }));
    return true;
  } catch (error) {
    if (isFileFailure(error)) return false;
    if (error instanceof ClipmeshError && (error.code === 'MEDIA_INVALID' || error.code === 'ARTIFACT_MISSING'))
      return false;
    throw error;
  }
}
