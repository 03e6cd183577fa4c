import { type Readable } from 'node:stream';
import { type Artifact } from '@clipmesh/contracts';

/** A path of a local file, bytes, or a stream. */
export type ArtifactSource = string | Uint8Array | Readable;

/** Both ends count, as in an HTTP range. */
export interface ByteRange {
  readonly start?: number;
  readonly end?: number;
}

/** Media files by the hash of their bytes: the same bytes are one file, and a stored file never changes. */
export interface ArtifactStore {
  /** Once it has resolved, the file is whole and on disk; a crash before leaves a temporary file only. */
  put(source: ArtifactSource, options: { readonly contentType: string }): Promise<Artifact>;
  /** Throws ARTIFACT_MISSING before the first byte, never in the middle of the stream. */
  open(artifact: Artifact, range?: ByteRange): Promise<Readable>;
  stat(artifact: Artifact): Promise<{ readonly bytes: number; readonly modifiedAt: Date } | undefined>;
  /** Gives the path of a local file that is good until `use` is done. It must not be written to. */
  withFile<R>(artifact: Artifact, use: (path: string) => Promise<R>): Promise<R>;
  /** Nothing happens when it is gone already. */
  remove(artifact: Artifact): Promise<void>;
  /** Deletes what crashed writers left behind; the number of files deleted. */
  sweepTemporary(maxAgeMs: number): Promise<number>;
}
