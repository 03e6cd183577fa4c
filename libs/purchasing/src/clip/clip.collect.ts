import { join } from 'node:path';
import { type Artifact, ClipmeshError, type FailureCode } from '@clipmesh/contracts';
import { ProcessError } from '@clipmesh/media';
import { type PredictionState } from '@clipmesh/providers';
import { type ClipDeps } from './clip.deps.js';

/** Failures of a finished prediction's output. A new download may succeed: a proxy or a store can fail temporarily. */
const BAD_OUTPUT: ReadonlySet<FailureCode> = new Set(['MEDIA_INVALID', 'DOWNLOAD_EXPIRED', 'PROVIDER_BAD_ANSWER']);

export const isBadOutput = (error: unknown): error is ClipmeshError =>
  error instanceof ClipmeshError && BAD_OUTPUT.has(error.code);

/** ffmpeg crashed, stalled or ran out of memory on a complete file, so the file may be the cause. */
const isFileFailure = (error: unknown): error is ProcessError =>
  error instanceof ProcessError && !error.isSystemFailure;

/**
 * Downloads a finished prediction's clip, verifies it, and stores it. Downloads an unusable or unverifiable clip again, up to
 * the configured number of tries. Then throws an {@link isBadOutput} error that is not retryable: only another model can
 * help.
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
        'unusable clip downloaded; downloading again',
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
  if (outputUrl === undefined) throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'the prediction has no video output');
  return scratch.withFolder(async (directory) => {
    const file = join(directory, 'clip');
    await provider.download(outputUrl, file, signal);
    const { contentType } = await media.verifyClip(file, { ...clipRules, durationSeconds }, { signal });
    return artifacts.put(file, { contentType });
  });
}

/** The current prediction with renewed file URLs; the known state when the provider does not return a succeeded one. */
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
    logger.warn({ err: error, predictionId: known.id }, 'could not read the prediction again');
    return known;
  }
}

function unusable(error: ClipmeshError, { id }: PredictionState, tries: number): ClipmeshError {
  const times = tries === 1 ? 'once' : `${tries} times`;
  return new ClipmeshError(
    isFileFailure(error) ? 'MEDIA_INVALID' : error.code,
    `prediction ${id} has no usable clip, downloaded ${times}: ${error.message}`,
    { cause: error, retryable: false },
  );
}

/** Whether a stored clip exists, has its original bytes, and is usable. */
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
