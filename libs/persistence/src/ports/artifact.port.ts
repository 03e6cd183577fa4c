import { type Readable } from 'node:stream';
import { type Artifact } from '@clipmesh/contracts';

/** Byte range; both ends inclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface ArtifactStore {
  /** Stores a file (copied from its path), bytes or a stream under its hash. The same bytes are stored once. */
  put(source: string | Uint8Array | Readable, options: { contentType: string }): Promise<Artifact>;
  /** Opens a stream that the caller must read to its end or destroy. Throws `ARTIFACT_MISSING`. */
  open(artifact: Pick<Artifact, 'key'>, range?: ByteRange): Promise<Readable>;
  stat(artifact: Pick<Artifact, 'key'>): Promise<{ bytes: number } | undefined>;
  /** Resets the age of a file, as `put` does. False: no such file. */
  renew(artifact: Pick<Artifact, 'key'>): Promise<boolean>;
  /** Calls back with a local path for reading only. Throws `ARTIFACT_MISSING`. */
  withFile<T>(artifact: Pick<Artifact, 'key'>, use: (path: string) => Promise<T>): Promise<T>;
  /** Idempotent. */
  remove(artifact: Pick<Artifact, 'key'>): Promise<void>;
  /**
   * Removes a file that was last put or renewed at or before `notAfterMs`, ms since the epoch. False: it is younger or missing.
   * Atomic with `put` and `renew`: they either keep the file or find it removed.
   */
  removeOld(artifact: Pick<Artifact, 'key'>, notAfterMs: number): Promise<boolean>;
  /** All stored files, unordered. `storedAt`: time of the last put or renew, ms since the epoch. */
  list(): AsyncIterable<{ key: string; bytes: number; storedAt: number }>;
  /** Removes temporary files older than `maxAgeMs` and returns their number. Restores files of an interrupted `removeOld`. */
  sweepTemporary(maxAgeMs: number): Promise<number>;
}
