import { type GenerationRecord, isFinal } from '@clipmesh/contracts';
import { type Attempt, type CacheEntry } from '@clipmesh/persistence';

/** The id that sorts before those of all generations made at this time or later: it begins with the time (UUID version 7). */
export function idAt(timeMs: number): string {
  return `gen_${Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, '0')}${'0'.repeat(20)}`;
}

/** Whether a generation ended at or before this time, ms since the epoch. What runs, or waits for its user, never expires. */
export function isExpired({ updatedAt, state }: GenerationRecord, cutoffMs: number): boolean {
  return isFinal(state.status) && Date.parse(state.finishedAt ?? updatedAt) <= cutoffMs;
}

/** The files of a generation, by key. */
export function filesOf({ state }: GenerationRecord): string[] {
  const { job, scenes, result, former } = state;
  const files = [
    job.music?.artifact,
    job.referenceImage,
    ...scenes.flatMap(({ clip, overlaid }) => [clip, overlaid]),
    result?.video,
    result?.thumbnail,
    former?.video,
    former?.thumbnail,
  ];
  return files.flatMap((file) => (file === undefined ? [] : [file.key]));
}

/** The files of purchases, by key: what an attempt or the cache keeps. */
export function filesOfPurchases(kept: readonly Pick<Attempt | CacheEntry, 'artifact'>[]): string[] {
  return kept.flatMap(({ artifact }) => (artifact === undefined ? [] : [artifact.key]));
}
