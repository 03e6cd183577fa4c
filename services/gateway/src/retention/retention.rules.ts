import { type GenerationRecord, isFinal, SCENE_STEPS } from '@clipmesh/contracts';
import { type Purchase, type CacheEntry } from '@clipmesh/persistence';

/** The id that sorts before all generations created at this time or later: ids begin with the time (UUID version 7). */
export function idAt(timeMs: number): string {
  return `gen_${Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, '0')}${'0'.repeat(20)}`;
}

/** Whether a generation ended at or before `cutoffMs`, ms since the epoch. A generation that has not ended never expires. */
export function isExpired({ updatedAt, state }: GenerationRecord, cutoffMs: number): boolean {
  return isFinal(state.status) && Date.parse(state.finishedAt ?? updatedAt) <= cutoffMs;
}

/** The keys of a generation's files. */
export function filesOf({ state }: GenerationRecord): string[] {
  const { job, scenes, result, previousResult } = state;
  const files = [
    job.music?.artifact,
    job.referenceImage,
    ...scenes.flatMap((scene) => [
      ...SCENE_STEPS.map(({ result: file }) => scene[file]),
      scene.thumbnail?.picture,
      scene.blend?.clip,
      scene.speech?.result?.speech,
    ]),
    result?.video,
    result?.thumbnail,
    previousResult?.video,
    previousResult?.thumbnail,
  ];
  return files.flatMap((file) => (file === undefined ? [] : [file.key]));
}

/** The keys of the files of purchases or cache entries. */
export function filesOfPurchases(entries: readonly Pick<Purchase | CacheEntry, 'artifact'>[]): string[] {
  return entries.flatMap(({ artifact }) => (artifact === undefined ? [] : [artifact.key]));
}
