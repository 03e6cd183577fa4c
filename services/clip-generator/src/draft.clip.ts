import { join } from 'node:path';
import { type ClipGenerateBody, ClipGenerated, encodeProfile, message, type Outgoing } from '@clipmesh/contracts';
import { type Media } from '@clipmesh/media';
import { type Clock } from '@clipmesh/messaging';
import { type ArtifactStore, type Scratch } from '@clipmesh/persistence';

export interface DraftClipDeps {
  readonly media: Pick<Media, 'render'>;
  readonly artifacts: Pick<ArtifactStore, 'put' | 'withFile'>;
  readonly scratch: Scratch;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Draws the clip of a draft and stores it. It costs nothing, and no purchase and no cache entry belongs to it. The same command gives
 * the same bytes, so a redelivered one is drawn again. Throws the `ClipmeshError` of the renderer or of the store.
 */
export async function drawClip(
  { media, artifacts, scratch, clock }: DraftClipDeps,
  body: ClipGenerateBody,
  signal: AbortSignal,
): Promise<Outgoing[]> {
  const { generationId, scene, attempt, model, prompt, seed, durationSeconds, aspectRatio, referenceImage } = body;
  const { width, height } = encodeProfile(aspectRatio);
  return scratch.withFolder(async (directory) => {
    const output = join(directory, 'clip.mp4');
    const input = { output, seed, label: prompt, durationSeconds, width, height, isDraft: true };
    if (referenceImage === undefined) await media.render(input, { signal });
    else await artifacts.withFile(referenceImage, (image) => media.render({ ...input, image }, { signal }));
    const clip = await artifacts.put(output, { contentType: 'video/mp4' });
    const at = new Date(clock.now()).toISOString();
    return [message(ClipGenerated, { generationId, at, charges: [], scene, attempt, model, cached: false, clip })];
  });
}
