import { join } from 'node:path';
import { type Artifact, ClipmeshError, type FailureCode } from '@clipmesh/contracts';
import { ProcessError } from '@clipmesh/media';
import { type PredictionState } from '@clipmesh/providers';
import { type ClipDeps } from './clip.deps.js';
import { purchasedClipOf, sellerOf } from './purchase.repository.js';
import { type StoredPurchase } from './purchase.rules.js';

/** Failures of a finished prediction's output. A new download may succeed: a proxy or a store can fail temporarily. */
const BAD_OUTPUT: ReadonlySet<FailureCode> = new Set(['MEDIA_INVALID', 'DOWNLOAD_EXPIRED', 'PROVIDER_BAD_ANSWER']);

export const isBadOutput = (error: unknown): error is ClipmeshError =>
  error instanceof ClipmeshError && BAD_OUTPUT.has(error.code);

/** ffmpeg crashed, stalled or ran out of memory on a complete file, so the file may be the cause. */
export const isFileFailure = (error: unknown): error is ProcessError =>
  error instanceof ProcessError && !error.isSystemFailure;

/**
 * Downloads the clip of a purchase whose prediction finished in this state, verifies it, and stores it. Downloads an unusable or unverifiable clip again, up to
 * the configured number of tries. Then throws an {@link isBadOutput} error that is not retryable: only another model can
 * help.
 */
export async function collectClip(
  deps: ClipDeps,
  entry: StoredPurchase,
  state: PredictionState,
  signal: AbortSignal,
): Promise<Artifact> {
  const { tries: maxTries, firstDelayMs, maxDelayMs } = deps.downloads;
  let current = state;
  for (let tries = 1; ; tries += 1) {
    try {
      return await collectOnce(deps, entry, current, signal);
    } catch (error) {
      if (!isBadOutput(error) && !isFileFailure(error)) throw error;
      if (tries >= maxTries) throw unusable(error, state, tries);
      const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (tries - 1));
      deps.logger.warn(
        { err: error, predictionId: state.id, tries, delayMs },
        'unusable clip downloaded; downloading again',
      );
      await deps.clock.sleep(delayMs, signal);
      current = await readAgain(deps, entry, current, signal);
    }
  }
}

async function collectOnce(
  deps: ClipDeps,
  entry: StoredPurchase,
  { outputUrl }: PredictionState,
  signal: AbortSignal,
): Promise<Artifact> {
  if (outputUrl === undefined) throw new ClipmeshError('PROVIDER_BAD_ANSWER', 'the prediction has no video output');
  const { artifacts, scratch, media, clipRules } = deps;
  const { durationSeconds } = purchasedClipOf(entry);
  return scratch.withFolder(async (directory) => {
    const file = join(directory, 'clip');
    await sellerOf(deps, entry).download(outputUrl, file, signal);
    const { contentType } = await media.verifyClip(file, { ...clipRules, durationSeconds }, { signal });
    return artifacts.put(file, { contentType });
  });
}

/** The current prediction with renewed file URLs; the known state when the provider does not return a succeeded one. */
async function readAgain(
  deps: ClipDeps,
  entry: StoredPurchase,
  known: PredictionState,
  signal: AbortSignal,
): Promise<PredictionState> {
  try {
    const state = await sellerOf(deps, entry).get({ id: known.id, model: entry.value.model }, signal);
    return state.status === 'succeeded' ? state : known;
  } catch (error) {
    signal.throwIfAborted();
    deps.logger.warn({ err: error, predictionId: known.id }, 'could not read the prediction again');
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
