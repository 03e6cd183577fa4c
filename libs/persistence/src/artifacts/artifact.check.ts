import { createHash } from 'node:crypto';
import { type Artifact, ClipmeshError } from '@clipmesh/contracts';
import { type ArtifactStore } from '../ports/artifact.port.js';

/** Whether the stored file exists and matches its hash. Reads the whole file, which takes a few ms for a clip. */
export async function isIntact(store: Pick<ArtifactStore, 'open' | 'stat'>, artifact: Artifact): Promise<boolean> {
  if ((await store.stat(artifact))?.bytes !== artifact.bytes) return false;
  try {
    const hash = createHash('sha256');
    for await (const chunk of await store.open(artifact)) hash.update(chunk as Uint8Array);
    return hash.digest('hex') === artifact.sha256;
  } catch (error) {
    if (error instanceof ClipmeshError && error.code === 'ARTIFACT_MISSING') return false;
    throw error;
  }
}
