import { join } from 'node:path';
import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { type PredictionState } from '@clipmesh/providers';
import { type ClipParts } from './clip.parts.js';

/** Downloads a finished prediction's clip and stores it. */
export async function collectClip(
  { provider, artifacts, scratch }: Pick<ClipParts, 'provider' | 'artifacts' | 'scratch'>,
  { id, outputUrl }: PredictionState,
  signal: AbortSignal,
): Promise<Artifact> {
  if (outputUrl === undefined)
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', `prediction ${id} succeeded without an output`, {
      // It will not get one: another model may do better.
      retryable: false,
    });
  return scratch.withFolder(async (directory) => {
    const file = join(directory, 'clip.mp4');
    await provider.download(outputUrl, file, signal);
    return artifacts.put(file, { contentType: 'video/mp4' });
  });
}
