import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { type PredictionState } from '@clipmesh/providers';
import { type ClipParts } from './clip.parts.js';

/** Downloads a finished prediction's clip and stores it. */
export async function collectClip(
  { provider, artifacts, tempDir }: Pick<ClipParts, 'provider' | 'artifacts' | 'tempDir'>,
  state: PredictionState,
  signal: AbortSignal,
): Promise<Artifact> {
  if (state.outputUrl === undefined)
    throw new ClipmeshError('PROVIDER_BAD_ANSWER', `prediction ${state.id} succeeded without an output`);
  await mkdir(tempDir, { recursive: true });
  const directory = await mkdtemp(join(tempDir, 'clip-'));
  try {
    const file = join(directory, 'clip.mp4');
    await provider.download(state.outputUrl, file, signal);
    return await artifacts.put(file, { contentType: 'video/mp4' });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
